import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { toError } from '../connection/to-error.ts'
import type { Failure } from '../session/machine/trunkline-error.ts'
import type { Transform } from './transform.ts'

/** The message of an error for a value that the transformer cannot read. */
export const unreadable = 'The transformer could not read what the server sent.'

const unread = 'The error cannot be read: have the router and this client the same `transformer`?'

/** tRPC's own error for a failure, its shape deserialised, with the line's view in `meta` for `trunklineError`. */
export function toClientError<R extends AnyTRPCRouter>(
  { line, shape }: Failure,
  { deserialize, mismatch }: Pick<Transform, 'deserialize' | 'mismatch'>,
): TRPCClientError<R> {
  const options = line === undefined ? {} : { meta: { trunklineError: line } }
  if (shape === undefined) return new TRPCClientError(line?.message ?? 'The line failed.', options)
  const words = mismatch()
  if (words !== undefined) return new TRPCClientError(words, options)
  try {
    const error = deserialize(shape)
    if (typeof Object(error).message !== 'string') throw new Error(unread)
    return TRPCClientError.from({ error } as never, options)
  } catch (cause) {
    const message = line?.message ?? unread
    return new TRPCClientError(message, { ...options, cause: toError(cause) })
  }
}
