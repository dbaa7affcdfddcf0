import { guardedRooms, refusalOf } from '../records/application.ts'
import type { CallRecord, SubscriptionRecord } from '../records/history.ts'

/**
 * Whether a subscription may have ended: a client ends a subscription, with an error, after five consecutive failures,
 * and where its caller has lost the right.
 */
export function isLawfulEnd({ entries, isStock, room }: SubscriptionRecord, struck: readonly string[]): boolean {
  const last = entries.at(-1)
  if (last?.kind !== 'error') return false
  if (guardedRooms.some((each) => each === room) && last.message === refusalOf(room)) return true
  const failures = functionsFailed(struck)
  if (isStock) return last.code === gapCode || (failures > 0 && stockCodes.includes(last.code)) // it does not try again
  return last.code === 'CLOSED' || (retriedCodes.includes(last.code) && failures >= 5)
}

/** The number of strikes that made a function fail. */
export const functionsFailed = (struck: readonly string[]) => struck.filter((name) => /^F(19|2\d)\./.test(name)).length
const gapCode = 'PRECONDITION_FAILED' // tRPC's own client sees a gap as an error
/** The codes with which tRPC's own client sees failures of Trunkline. */
export const stockCodes = ['INTERNAL_SERVER_ERROR', 'TIMEOUT', 'CLIENT_CLOSED_REQUEST']
/** The codes that our client retries, up to five consecutive times. */
export const retriedCodes = ['FUNCTION_FAILED', 'TIMEOUT', 'RATE_LIMITED', 'CONNECTION_LOST']

const failedCallCodes = ['TIMEOUT', 'CONNECTION_LOST', 'OUTCOME_UNKNOWN', 'FUNCTION_FAILED', 'CLOSED', 'RATE_LIMITED']

/** Whether a call may have failed: its procedure threw, or a fault or a timeout ended it. */
export function isLawfulFailure({ path, answer }: CallRecord): boolean {
  if (answer === undefined || 'data' in answer) return true
  if (path === 'refuse' && answer.error.startsWith('refused ')) return true
  return answer.code !== undefined && failedCallCodes.includes(answer.code)
}
