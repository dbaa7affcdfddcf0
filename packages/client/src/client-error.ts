import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import type { Failure } from './line-error.ts'
import { toError } from './to-error.ts'

/** The message of an error for a value that the transformer cannot read. */
export const unreadable = 'The transformer could not read what the server sent.'

/** tRPC's own error for a failure, its shape deserialised, with the line's view in `meta` for `lineError`. */
export function toClientError<R extends AnyTRPCRouter>(
  { line, shape }: Failure,
  deserialize: (value: unknown) => unknown,
): TRPCClientError<R> {
  const options = line === undefined ? {} : { meta: { lineError: line } }
  if (shape === undefined) return new TRPCClientError(line?.message ?? 'The line failed.', options)
  try {
    return TRPCClientError.from({ error: deserialize(shape) }, options)
  } catch (cause) {
    const message = line?.message ?? unreadable
    return new TRPCClientError(message, { ...options, cause: toError(cause) })
  }
}
