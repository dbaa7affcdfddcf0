import { useSubscription } from '@trpc/tanstack-react-query'
import { useEffect, useMemo, useReducer } from 'react'
import { client, trpc } from './line.ts'
import { inOrder, type Member, type MembersEvent, nobodyHere, reduceMembers } from './members.ts'

const idleMs = 5 * 60_000 // 5 min without a key or a pointer
const signs = ['keydown', 'pointerdown', 'pointermove', 'focus'] as const

/** Who is in a room. Whoever has a name is there too, while the page lives; whoever reads along only looks. */
export function useMembers(room: string, me: string | null): readonly Member[] {
  const [members, dispatch] = useReducer(reduceMembers, nobodyHere)
  const onData = ({ data }: { readonly data: MembersEvent }) => dispatch(data)
  useSubscription(trpc.room.here.subscriptionOptions({ room }, { enabled: me !== null, onData }))
  useSubscription(trpc.room.watch.subscriptionOptions({ room }, { enabled: me === null, onData }))
  useAway(room, me)
  return useMemo(() => inOrder(members), [members])
}

/** Tells the others when nobody is at this screen any more: the page is hidden, the lid is closed, or nothing was touched for a while. */
function useAway(room: string, me: string | null): void {
  useEffect(() => {
    if (me === null) return
    let told = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const tell = (away: boolean) => {
      if (away === told) return
      told = away
      client.room.away.mutate({ room, away }, { timeoutMs: 10_000 }).catch(() => {
        told = !away // said again with the next sign
      })
    }
    const onSign = () => {
      clearTimeout(timer)
      if (document.visibilityState === 'hidden') return tell(true)
      timer = setTimeout(() => tell(true), idleMs)
      tell(false)
    }
    onSign()
    document.addEventListener('visibilitychange', onSign)
    for (const sign of signs) addEventListener(sign, onSign, { passive: true })
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onSign)
      for (const sign of signs) removeEventListener(sign, onSign)
    }
  }, [room, me])
}
