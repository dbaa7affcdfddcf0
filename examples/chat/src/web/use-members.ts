import { useSubscription } from '@trpc/tanstack-react-query'
import { useMemo, useReducer } from 'react'
import { trpc } from './line.ts'
import { findNamed, inOrder, type Member, type MembersEvent, noMembers, reduceMembers } from './members.ts'
import { useAttention } from './use-attention.ts'

/** The members of a room. A user with a name joins while the page is open; a visitor only watches. */
export function useMembers(room: string, me: string | null): readonly Member[] {
  const [members, dispatch] = useReducer(reduceMembers, noMembers)
  const attention = useAttention(room, me)
  const onData = ({ data }: { readonly data: MembersEvent }) => {
    dispatch(data)
    const own = me === null ? undefined : findNamed(data, me)
    if (own !== undefined) attention.shown(own.away)
  }
  useSubscription(trpc.room.here.subscriptionOptions({ room }, { enabled: me !== null, onData }))
  useSubscription(trpc.room.watch.subscriptionOptions({ room }, { enabled: me === null, onData }))
  return useMemo(() => inOrder(members), [members])
}
