import { outcomeOf } from './outcome-of.ts'
import { type Asked, errorText, toTRPCError } from './reply.ts'
import type { ServedScope } from './scope.ts'

/** The answer to a frame that failed where no query or mutation ran (`runCall` counts its own), as text. Never throws. */
export function refuse({ server, telemetry }: ServedScope, asked: Asked, thrown: unknown): string {
  const error = toTRPCError(thrown)
  telemetry.measure('refusedFrames', 1, { outcome: outcomeOf(error) })
  return errorText(server, asked, error)
}
