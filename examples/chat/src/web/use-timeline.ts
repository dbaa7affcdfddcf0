import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query'
import { useSubscription } from '@trpc/tanstack-react-query'
import { useCallback, useMemo, useState } from 'react'
import type { MessageEvent } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import { trpc } from './line.ts'
import {
  messagesOf,
  type Received,
  reduceTimeline,
  type ShownMessage,
  type Timeline,
  type TimelineAction,
} from './timeline.ts'

export interface RoomHistory {
  readonly messages: readonly ShownMessage[]
  /** False until the first page has arrived. */
  readonly ready: boolean
  /** Why the subscription ended; `follow` starts it again. */
  readonly failure: string | null
  follow(): void
  readonly hasOlder: boolean
  readonly loadingOlder: boolean
  loadOlder(): void
  readonly dispatch: (action: TimelineAction) => void
}

/**
 * The messages of one room: the newest page, then live events. They are in TanStack Query's cache, so they survive a
 * change of rooms. `onEvent` is called for each event.
 */
export function useTimeline(room: string, onEvent: (event: MessageEvent) => void): RoomHistory {
  const { timeline, dispatch } = useCachedTimeline(room)
  const live = useSubscription(
    trpc.messages.live.subscriptionOptions(
      { room },
      {
        onData: (received) => {
          dispatch({ type: 'received', received })
          for (const event of eventsOf(received)) onEvent(event)
        },
      },
    ),
  )
  const { loading, load } = useOlderPages(room, dispatch)
  const older = timeline?.older ?? null
  return {
    messages: useMemo(() => (timeline === undefined ? [] : messagesOf(timeline)), [timeline]),
    ready: timeline !== undefined,
    failure: live.status === 'error' ? explainFailure(live.error) : null,
    follow: live.reset,
    hasOlder: older !== null,
    loadingOlder: loading,
    loadOlder: () => void (older !== null && load(older)),
    dispatch,
  }
}

/** A cache entry without a query function: the subscription and the pages of `older` write it. */
function useCachedTimeline(room: string) {
  const queryClient = useQueryClient()
  const { data: timeline } = useQuery<Timeline>({ queryKey: ['timeline', room], queryFn: skipToken })
  const dispatch = useCallback(
    (action: TimelineAction) =>
      void queryClient.setQueryData<Timeline>(['timeline', room], (held) => reduceTimeline(held, action)),
    [queryClient, room],
  )
  return { timeline, dispatch }
}

function eventsOf({ data }: Received): readonly MessageEvent[] {
  return data.type === 'page' ? data.events.map((event) => event.data) : [data]
}

/** Loads older pages of the log into the timeline, one at a time. */
function useOlderPages(room: string, dispatch: RoomHistory['dispatch']) {
  const queryClient = useQueryClient()
  const [loading, setLoading] = useState(false)
  const load = useCallback(
    async (before: string) => {
      setLoading(true)
      try {
        const options = trpc.messages.older.queryOptions({ room, before })
        // events before a cursor do not change
        const page = await queryClient.fetchQuery({ ...options, staleTime: Number.POSITIVE_INFINITY })
        dispatch({ type: 'older', before, page })
      } catch {
        // The status line shows the trouble of the connection, and the button stays for another attempt.
      } finally {
        setLoading(false)
      }
    },
    [room, queryClient, dispatch],
  )
  return { loading, load }
}
