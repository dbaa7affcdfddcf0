import { skipToken, useQuery, useQueryClient } from '@tanstack/react-query'
import { useSubscription } from '@trpc/tanstack-react-query'
import { useCallback, useMemo, useState } from 'react'
import type { MessageEvent } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import { trpc } from './line.ts'
import {
  messagesOf,
  reduceTimeline,
  type ShownMessage,
  type Timeline,
  type TimelineAction,
  type Told,
} from './timeline.ts'

export interface RoomHistory {
  readonly messages: readonly ShownMessage[]
  /** False until the first page is there. */
  readonly ready: boolean
  /** Why the room is followed no longer; `follow` begins again. */
  readonly failure: string | null
  follow(): void
  readonly hasOlder: boolean
  readonly loadingOlder: boolean
  loadOlder(): void
  readonly dispatch: (action: TimelineAction) => void
}

/**
 * The messages of one room: the newest page, then live, kept in TanStack's cache, where they outlive a change of rooms.
 * `onEvent` hears each event as it comes.
 */
export function useTimeline(room: string, onEvent: (event: MessageEvent) => void): RoomHistory {
  const { timeline, dispatch } = useCachedTimeline(room)
  const live = useSubscription(
    trpc.messages.live.subscriptionOptions(
      { room },
      {
        onData: (told) => {
          dispatch({ type: 'told', told })
          for (const event of eventsOf(told)) onEvent(event)
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

/** Nothing fetches it: the subscription and the pages of `older` are put into it. */
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

function eventsOf({ data }: Told): readonly MessageEvent[] {
  return data.type === 'page' ? data.events.map((event) => event.data) : [data]
}

/** Reads pages of the log, one at a time, into the timeline. */
function useOlderPages(room: string, dispatch: RoomHistory['dispatch']) {
  const queryClient = useQueryClient()
  const [loading, setLoading] = useState(false)
  const load = useCallback(
    async (before: string) => {
      setLoading(true)
      try {
        const options = trpc.messages.older.queryOptions({ room, before })
        const page = await queryClient.fetchQuery({ ...options, staleTime: Number.POSITIVE_INFINITY }) // what is older than a cursor does not change
        dispatch({ type: 'older', before, page })
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
