import { useEffect, useMemo } from 'react'
import { type Attention, createAttention } from './attention.ts'
import { client } from './line.ts'

const idleMs = 5 * 60_000 // 5 min without a key or pointer event
const signs = ['keydown', 'pointerdown', 'pointermove', 'focus'] as const

/** Reports to a room when the user is away: the page is hidden, or there was no key or pointer event for 5 min. */
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
    // A reload hides the page first. This must not be reported.
    const onUnload = ({ type }: Event) => {
      unloads = type === 'pagehide'
      onSign()
    }
    onSign()
    addEventListener('pagehide', onUnload)
    addEventListener('pageshow', onUnload) // restored from the browser's page cache
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
