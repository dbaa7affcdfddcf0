import { useEffect, useState } from 'react'

const cutMs = 8_000

let cutUntil = 0
const opened = new Set<CuttableSocket>()

/** A WebSocket that the page can cut as a lost network does: without a close frame, and each new one fails. */
export class CuttableSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(Date.now() < cutUntil ? unreachable(url) : url, protocols)
    opened.add(this)
    this.addEventListener('close', () => opened.delete(this))
  }

  /** Reports the loss at once, and closes the socket below it. */
  cut(): void {
    this.dispatchEvent(new CloseEvent('close', { code: 1006, wasClean: false }))
    this.close()
  }
}

/** `fetch`, which fails while the connection is cut. */
export const cuttableFetch: typeof fetch = (...args) =>
  Date.now() < cutUntil ? Promise.reject(new TypeError('Failed to fetch')) : fetch(...args)

function unreachable(url: string | URL): URL {
  const changed = new URL(url)
  changed.hostname = 'cut.invalid' // a name that never resolves
  return changed
}

/** Cuts the page's connection for 8 s, and returns how many seconds are left, or 0. `onEnd` is called afterwards. */
export function useCut(onEnd: () => void): { readonly secondsLeft: number; cut(): void } {
  const [secondsLeft, setSecondsLeft] = useState(0)
  const isCut = secondsLeft > 0
  useEffect(() => {
    if (!isCut) return
    const timer = setInterval(() => {
      const left = Math.max(0, Math.ceil((cutUntil - Date.now()) / 1_000))
      setSecondsLeft(left)
      if (left === 0) onEnd()
    }, 250)
    return () => clearInterval(timer)
  }, [isCut, onEnd])
  return {
    secondsLeft,
    cut() {
      cutUntil = Date.now() + cutMs
      setSecondsLeft(cutMs / 1_000)
      for (const socket of opened) socket.cut()
    },
  }
}
