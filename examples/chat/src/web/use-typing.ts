import { useSubscription } from '@trpc/tanstack-react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import { client, connection, trpc } from './line.ts'
import { addTypist, dropSilent, nobody, removeTypist, type Typists } from './typists.ts'

const announceEveryMs = 2_000

export interface Typing {
  readonly typists: Typists
  /** Tells the others that a key was pressed here; most calls do nothing. */
  announce(): void
  /** Someone's message has come. */
  stopped(author: string): void
}

/** Who else is typing in a room. */
export function useTyping(room: string, me: string | null): Typing {
  const [typists, setTypists] = useState(nobody)
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
      // Worth nothing a moment later, so not worth a word either.
    })
  }, [room, me])
  const stopped = useCallback(
    (author: string) => {
      if (author === me) announcedAt.current = 0 // the next key begins another message
      setTypists((now) => removeTypist(now, author))
    },
    [me],
  )
  return { typists, announce, stopped }
}
