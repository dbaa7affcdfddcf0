import type { TRPCError } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { TrunklineError } from '../context/trunkline-error.ts'

/** An error as a label: Trunkline's own code, else tRPC's. */
export function outcomeOf(error: TRPCError): string {
  return error instanceof TrunklineError ? error.line : codeOf(error)
}

/**
 * An error's tRPC code as a label. Codes that tRPC does not have become INTERNAL_SERVER_ERROR, because each label is a
 * metric that is billed.
 */
export function codeOf({ code }: TRPCError): TRPCError['code'] {
  return Object.hasOwn(TRPC_ERROR_CODES_BY_KEY, code) ? code : 'INTERNAL_SERVER_ERROR'
}
