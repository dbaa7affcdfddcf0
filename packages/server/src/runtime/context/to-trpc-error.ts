import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import { StoreError } from '../../ports/store.ts'
import { DeadlinePassed } from './deadline.ts'
import { TrunklineError } from './trunkline-error.ts'

/** The failure behind whatever was thrown: the line's own, or what a procedure threw as it is. Never throws. */
export function toTRPCError(thrown: unknown): TRPCError {
  try {
    if (thrown instanceof TrunklineError) return thrown
    if (thrown instanceof DeadlinePassed) return new TrunklineError('TIMEOUT', thrown.message)
    const failed = thrown instanceof StoreError ? thrown : thrown instanceof Error ? thrown.cause : undefined
    if (failed instanceof DeadlinePassed) return new TrunklineError('TIMEOUT', failed.message)
    if (failed instanceof StoreError) return toStoreFailure(failed)
    return getTRPCErrorFromUnknown(thrown)
  } catch {
    // a thrown object whose members throw when they are looked at
    return new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: 'Something was thrown that cannot be read.' })
  }
}

/** A request that the table refuses for its content is refused whenever it comes: nobody should ask again. */
function toStoreFailure(failed: StoreError): TRPCError {
  if (failed.refused === 'too-large')
    return new TrunklineError(
      'TOO_LARGE',
      'What this would store is larger than the table takes: 400 KB for one item.',
      {
        cause: failed,
        mayHaveRun: true,
      },
    )
  if (failed.refused !== undefined)
    return new TRPCError({
      code: 'INTERNAL_SERVER_ERROR',
      message: 'The table refused what this would store.',
      cause: failed,
    })
  return new TrunklineError('FUNCTION_FAILED', 'The service is temporarily unavailable.', { cause: failed })
}
