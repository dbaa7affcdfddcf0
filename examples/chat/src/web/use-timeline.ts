import { useQueryClient } from '@tanstack/react-query'
import { useSubscription } from '@trpc/tanstack-react-query'
import { type Dispatch, useCallback, useEffect, useMemo, useReducer, useState } from 'react'
import type { MessageEvent } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import { onGap, trpc } from './line.ts'
import { emptyTimeline, messagesOf, reduceTimeline, type ShownMessage, type TimelineAction } from './timeline.ts'

const replayed = 50 // what the server replays to a fresh subscription: fewer means that there is nothing older

export interface RoomHistory {
  readonly messages: readonly ShownMessage[]
  /** False until the server said that the subscription is live. */
  readonly ready: boolean
  /** Why the room is followed no longer; `follow` begins again. */
  readonly failure: string | null
  follow(): void
  readonly hasOlder: boolean
  readonly loadingOlder: boolean
  loadOlder(): void
  readonly dispatch: Dispatch<TimelineAction>
}

/** The messages of one room: the last page, then live. `onEvent` hears each event as it comes. */
export function useTimeline(room: string, onEvent: (event: MessageEvent) => void): RoomHistory {
  const [timeline, dispatch] = useReducer(reduceTimeline, emptyTimeline)
  const [ready, setReady] = useState(false)
  const live = useSubscription(
    trpc.messages.live.subscriptionOptions(
      { room },
      {
        onStarted: () => setReady(true),
        onData: (event) => {
          dispatch({ type: 'live', event })
          onEvent(event.data)
        },
      },
    ),
  )
  const pages = useOlderPages(room, dispatch)
  useEffect(
    () =>
      onGap((gap) => {
        if (gap.path !== 'messages.live') return
        dispatch({ type: 'gap' })
        pages.load(undefined)
      }),
    [pages.load],
  )
  return {
    messages: useMemo(() => messagesOf(timeline), [timeline]),
    ready,
    failure: live.status === 'error' ? explainFailure(live.error) : null,
    follow: live.reset,
    hasOlder: !timeline.complete && timeline.log.length >= replayed,
    loadingOlder: pages.loading,
    loadOlder: () => pages.load(timeline.log[0]?.id),
    dispatch,
  }
}

/** Reads pages of the log, one at a time, into the timeline. */
function useOlderPages(room: string, dispatch: Dispatch<TimelineAction>) {
  const queryClient = useQueryClient()
  const [loading, setLoading] = useState(false)
  const load = useCallback(
    async (before: string | undefined) => {
      setLoading(true)
      try {
        const page = await queryClient.fetchQuery({
          ...trpc.messages.older.queryOptions({ room, before }),
          staleTime: before === undefined ? 0 : Number.POSITIVE_INFINITY, // what is older than a cursor does not change
        })
        dispatch({ type: 'page', page })
      } catch {
        // The status line says what is wrong with the line, and the button stays: it is pressed again.
      } finally {
        setLoading(false)
      }
    },
    [room, queryClient, dispatch],
  )
  return { loading, load }
}
