import { useMutation, useMutationState, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import * as z from 'zod'
import type { Message } from '../server/schemas.ts'
import { explainFailure } from '../words/failure.ts'
import { trpc } from './line.ts'
import { newId } from './new-id.ts'
import { post as postMessage } from './post.ts'

/** A message of this browser that the server has not accepted, or whose outcome is unknown. */
export interface Unsent {
  readonly id: string
  readonly text: string
  readonly at: number
  /** Null while it is being sent. */
  readonly failure: string | null
}

export interface Outbox {
  readonly unsent: readonly Unsent[]
  send(text: string): void
  retry(unsent: Unsent): void
  discard(unsent: Unsent): void
}

const draft = z.object({ room: z.string(), id: z.string(), text: z.string() })

/** TanStack Query runs the mutations of one scope one after another. */
export const scopeOf = (room: string) => ({ id: `post to ${room}` })

/**
 * The messages that are being sent in one room. They are in TanStack Query's mutation cache, so they survive a change
 * of rooms. Each room has one scope, so its messages are sent in the order in which they were typed.
 */
export function useOutbox(room: string, onPosted: (message: Message) => void): Outbox {
  const cache = useQueryClient().getMutationCache()
  const mutationKey = trpc.messages.post.mutationKey()
  const post = useMutation({
    mutationKey,
    mutationFn: postMessage,
    scope: scopeOf(room),
    gcTime: Number.POSITIVE_INFINITY, // a message that failed stays until it is sent or discarded
    onSuccess: onPosted,
  })
  const drafts = useMutationState({
    filters: { mutationKey },
    select: ({ state }) => ({
      draft: draft.safeParse(state.variables).data,
      at: state.submittedAt,
      status: state.status,
      failure: state.status === 'error' ? explainFailure(state.error) : null,
    }),
  })
  const removeWhere = (isDone: (id: string | undefined, status: string) => boolean) => {
    for (const mutation of cache.findAll({ mutationKey })) {
      if (isDone(draft.safeParse(mutation.state.variables).data?.id, mutation.state.status)) cache.remove(mutation)
    }
  }
  const discard = ({ id }: Unsent) => removeWhere((other, status) => other === id && status === 'error')
  const unsent = useMemo(
    () =>
      drafts.flatMap(({ draft, at, failure, status }) =>
        draft?.room === room && (status === 'pending' || status === 'error')
          ? [{ id: draft.id, text: draft.text, at, failure }]
          : [],
      ),
    [drafts, room],
  )
  return {
    unsent,
    send(text) {
      removeWhere((_, status) => status === 'success')
      post.mutate({ room, id: newId(), text })
    },
    retry(failed) {
      discard(failed)
      // with the same id, it is shown once even when both attempts arrive
      post.mutate({ room, id: failed.id, text: failed.text })
    },
    discard,
  }
}
