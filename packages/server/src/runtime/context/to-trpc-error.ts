import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import { PartError } from '../../ports/lazy-part.ts'
import { StoreError } from '../../ports/store.ts'
import { DeadlinePassed } from './deadline.ts'
import { TrunklineError } from './trunkline-error.ts'

/**
 * Converts anything that was thrown into a tRPC error: a `TrunklineError`, or the error that a procedure threw. Never
 * throws.
 */
export function toTRPCError(thrown: unknown): TRPCError {
  try {
    if (thrown instanceof TrunklineError) return thrown
    if (thrown instanceof DeadlinePassed) return new TrunklineError('TIMEOUT', thrown.message)
    const isOurs = thrown instanceof StoreError || thrown instanceof PartError
    const failed = isOurs ? thrown : thrown instanceof Error ? thrown.cause : undefined
    if (failed instanceof DeadlinePassed) return new TrunklineError('TIMEOUT', failed.message)
    if (failed instanceof StoreError) return toStoreFailure(failed)
    if (failed instanceof PartError) return unavailable(failed)
    return getTRPCErrorFromUnknown(thrown)
  } catch {
    // A thrown object whose getters throw.
    return new TRPCError({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'A value was thrown that cannot be read. Throw an Error.',
    })
  }
}

/** A request that the table refuses because of its content is always refused, so a retry is useless. */
function toStoreFailure(failed: StoreError): TRPCError {
  if (failed.refused === 'too-large')
    return new TrunklineError(
      'TOO_LARGE',
      'This would store an item that is larger than the table takes: 400 KB. Store less data.',
      {
        cause: failed,
        mayHaveRun: true,
      },
    )
  if (failed.refused === 'invalid')
    return new TRPCError({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'The table refused this data.',
      cause: failed,
    })
  return unavailable(failed)
}

function unavailable(cause: Error): TrunklineError {
  return new TrunklineError('FUNCTION_FAILED', 'The service is temporarily unavailable.', { cause })
}
