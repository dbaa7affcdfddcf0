import { useEffect, useMemo } from 'react'
import { type Attention, createAttention } from './attention.ts'
import { client } from './line.ts'

const idleMs = 5 * 60_000 // 5 min without a key or a pointer
const signs = ['keydown', 'pointerdown', 'pointermove', 'focus'] as const

/** Tells a room when nobody is at this screen any more: the page is hidden, the lid is closed, or nothing was touched for a while. */
export function useAttention(room: string, me: string | null): Attention {
  const attention = useMemo(
    () => createAttention((away) => client.room.away.mutate({ room, away }, { timeoutMs: 10_000 })),
    [room],
  )
  useEffect(() => {
    if (me === null) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let unloads = false
    const onSign = () => {
      clearTimeout(timer)
      if (unloads) return
      if (document.visibilityState === 'hidden') return attention.set(true)
      timer = setTimeout(() => attention.set(true), idleMs)
      attention.set(false)
    }
    // A page that is reloaded is hidden first, and nobody should see that.
    const onUnload = ({ type }: Event) => {
      unloads = type === 'pagehide'
      onSign()
    }
    onSign()
    addEventListener('pagehide', onUnload)
    addEventListener('pageshow', onUnload) // out of the browser's cache of pages
    document.addEventListener('visibilitychange', onSign)
    for (const sign of signs) addEventListener(sign, onSign, { passive: true })
    return () => {
      clearTimeout(timer)
      removeEventListener('pagehide', onUnload)
      removeEventListener('pageshow', onUnload)
      document.removeEventListener('visibilitychange', onSign)
      for (const sign of signs) removeEventListener(sign, onSign)
    }
  }, [attention, me])
  return attention
}
