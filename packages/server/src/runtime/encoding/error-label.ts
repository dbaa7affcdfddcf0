import type { TRPCError } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { TrunklineError } from '../context/trunkline-error.ts'

/** A failure as a label: the line's own code, else tRPC's. */
export function outcomeOf(error: TRPCError): string {
  return error instanceof TrunklineError ? error.line : codeOf(error)
}

/** A failure's tRPC code as a label. Whatever an application throws as a code, the labels are a closed set: each is a metric in somebody's bill. */
export function codeOf({ code }: TRPCError): TRPCError['code'] {
  return Object.hasOwn(TRPC_ERROR_CODES_BY_KEY, code) ? code : 'INTERNAL_SERVER_ERROR'
}
