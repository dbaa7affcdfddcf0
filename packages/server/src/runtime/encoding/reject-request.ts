import type { InvocationContext } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { warnOfMismatch } from '../procedures/transformer-mismatch.ts'
import { outcomeOf } from './error-label.ts'
import { errorText, type RequestInfo } from './error-response.ts'

/**
 * The error response, as text, to a frame that failed without running a query or mutation (`runCall` measures its own
 * errors). Never throws.
 */
export function rejectRequest(scope: InvocationContext, request: RequestInfo, thrown: unknown): string {
  const { server, telemetry } = scope
  const error = toTRPCError(thrown)
  warnOfMismatch(scope, { error, input: request.input, path: request.path })
  telemetry.measure('refusedFrames', 1, { outcome: outcomeOf(error) })
  return errorText(server, request, error)
}
