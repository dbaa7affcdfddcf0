import { useSubscription } from '@trpc/tanstack-react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { client, connection, trpc } from './line.ts'
import { addTypist, dropSilent, noTypists, removeTypist, type Typists } from './typists.ts'

const announceEveryMs = 2_000

export interface Typing {
  readonly typists: Typists
  /** Announces that the user is typing, at most every 2 s. */
  announce(): void
  /** Removes a user whose message arrived. */
  stopped(author: string): void
}

/** The other users who are typing in a room. */
export function useTyping(room: string, me: string | null): Typing {
  const [typists, setTypists] = useState(noTypists)
  const announcedAt = useRef(0)
  useSubscription(
    trpc.room.onTyping.subscriptionOptions(
      { room },
      {
        onData: ({ author }) => {
          if (author !== me) setTypists((now) => addTypist(now, author, Date.now()))
        },
      },
    ),
  )
  useEffect(() => {
    const nextEnd = Math.min(...typists.values())
    if (nextEnd === Number.POSITIVE_INFINITY) return
    const timer = setTimeout(() => setTypists((now) => dropSilent(now, Date.now())), nextEnd - Date.now())
    return () => clearTimeout(timer)
  }, [typists])
  const announce = useCallback(() => {
    const now = Date.now()
    if (me === null || connection.state.status !== 'open' || now - announcedAt.current < announceEveryMs) return
    announcedAt.current = now
    client.room.typing.mutate({ room }, { timeoutMs: announceEveryMs }).catch(() => {
      // A lost typing event does not matter.
    })
  }, [room, me])
  const stopped = useCallback(
    (author: string) => {
      if (author === me) announcedAt.current = 0 // the next key starts another message
      setTypists((now) => removeTypist(now, author))
    },
    [me],
  )
  return { typists, announce, stopped }
}
