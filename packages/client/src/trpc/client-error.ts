import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { toError } from '../connection/to-error.ts'
import type { Failure } from '../session/machine/trunkline-error.ts'
import type { Transform } from './transform.ts'

/** The message of the error for a value or an error shape that the transformer cannot deserialise. */
export const unreadable =
  'The transformer cannot read what the server sent: pass the same `transformer` to router and client.'

/** Converts a failure to a `TRPCClientError` with the deserialised error shape. `meta` has Trunkline's error. */
export function toClientError<R extends AnyTRPCRouter>(
  { line, shape }: Failure,
  { deserialize, mismatch }: Pick<Transform, 'deserialize' | 'mismatch'>,
): TRPCClientError<R> {
  const options = line === undefined ? {} : { meta: { trunklineError: line } }
  if (shape === undefined) return new TRPCClientError(line?.message ?? 'Trunkline failed.', options)
  const problem = mismatch()
  if (problem !== undefined) return new TRPCClientError(problem, options)
  try {
    const error = deserialize(shape)
    if (typeof Object(error).message !== 'string') throw new Error(unreadable)
    return TRPCClientError.from({ error } as never, options)
  } catch (cause) {
    const message = line?.message ?? unreadable
    return new TRPCClientError(message, { ...options, cause: toError(cause) })
  }
}
