// This file has the whole life of a key (claim, result of another attempt, settlement), because each step decides by
// the same row.

import { TRPCError } from '@trpc/server'
import { randomName } from '../../ports/clock.ts'
import type { KeyRow } from '../../ports/idempotency.ts'
import { StoreError } from '../../ports/store.ts'
import type { ConnectionCaller, ContextDetails } from '../context/caller.ts'
import type { InvocationContext, Keyed } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { withId } from '../encoding/error-response.ts'
import { checkKey, fingerprintOf, keyExpires, rowNameOf, rowNameOfMiddlewares } from './idempotency-key.ts'
import { type CallRequest, type CallResult, isInterruption, metaOf, runToResult, toOutcome } from './run-call.ts'

/** A mutation with its key, from a client that declared extensions. */
export interface KeyedCall extends CallRequest {
  readonly key: string
  readonly rawInput: unknown
  /** The client has sent it before, so its key is read first. */
  readonly resend: boolean
}

/** A lease ends this long after the function's deadline: until then its attempt may still be running. */
const leaseGraceMs = 31_000
const retryAfterMs = 1_000
const longRetryAfterMs = 5_000 // of a long call, which may run for minutes and whose result is pushed

/**
 * Runs a mutation with one effect and one result, even if it is sent again, delivered twice or killed [LAW-ONE-EFFECT].
 * Returns the response text. The key is claimed after the last middleware, right before the resolver; the recorded
 * result is that of the whole chain. Throws `TrunklineError`: KEY_EXPIRED, KEY_REUSED, OUTCOME_UNKNOWN, FUNCTION_FAILED
 * when the key could not be claimed, or PENDING while another attempt may be running.
 */
// [TL-KEY-13] [TL-KEY-14]
export async function answerKeyed(
  scope: InvocationContext,
  caller: ConnectionCaller,
  call: KeyedCall,
  facts: ContextDetails,
): Promise<string> {
  checkKey(call.key, scope.clock.now())
  const recorded = call.resend ? await answerRecorded(scope, caller, call) : undefined
  if (recorded !== undefined) return recorded
  const claim = createClaim(scope, caller, call)
  const { key, expires } = claim
  const middlewares: Keyed = { key: rowNameOfMiddlewares(key), expires, counts: new Map() }
  const keyedFacts = { ...facts, idempotencyKey: call.key }
  const result = await runToResult({ ...scope, keyed: middlewares }, call, keyedFacts, async (resolve) =>
    resolve(await claim.make()),
  )
  // A result that a middleware returns without the resolver is recorded too.
  if (result.status === 'returned' && claim.instead === undefined) await claim.make().catch(() => {})
  const { instead, made } = claim
  if (instead?.status === 'refused') throw instead.failure // even if a middleware has caught it
  if (instead?.status === 'answered') return instead.text
  const recordedByOther = made === undefined ? await answerOfOther(scope, caller, call, facts, result) : undefined
  if (recordedByOther !== undefined) return recordedByOther
  const { body, settled } = toOutcome({ ...scope, keyed: made }, call, keyedFacts, result)
  // Rejected before the claim, or Trunkline failed while the procedure ran: the lease stays.
  if (made === undefined || !settled) return withId(call, body)
  const done = await scope.store.settleKey({ key, owner: made.owner, state: 'DONE', outcome: body })
  return settledAnswer(call, done.row)
}

/**
 * The recorded result of another attempt, for a call that was rejected before the claim: middlewares may reject now
 * what they accepted then.
 */
async function answerOfOther(
  scope: InvocationContext,
  caller: ConnectionCaller,
  call: KeyedCall,
  { cause }: ContextDetails,
  result: CallResult,
): Promise<string | undefined> {
  if (result.status === 'returned') return undefined
  const error = toTRPCError(result.thrown)
  const isFirst = !call.resend && cause === 'frame'
  // A first send that a validator rejects costs no request to the table.
  if (isInterruption(error) || (isFirst && error.code === 'BAD_REQUEST')) return undefined
  return answerRecorded(scope, caller, call)
}

/** The claim of one attempt. */
interface Claim {
  readonly key: string
  /** Epoch seconds. */
  readonly expires: number
  readonly made: Claimed | undefined
  /** The response to the call if the key could not be claimed. */
  readonly instead:
    | { readonly status: 'answered'; readonly text: string }
    | { readonly status: 'refused'; readonly failure: unknown }
    | undefined
  /**
   * Claims the key, once even if it is called several times. Throws a `TRPCError` into the chain when the resolver must
   * not run.
   */
  make(): Promise<Claimed>
}

type Claimed = Keyed & { readonly owner: string }

function createClaim(scope: InvocationContext, caller: ConnectionCaller, call: KeyedCall): Claim {
  const attempt = {
    key: rowNameOf(caller, call.key),
    owner: randomName(scope.clock, 20),
    expires: keyExpires(scope.clock.now()),
    lease: scope.deadline.at + leaseGraceMs,
    fingerprint: fingerprintOf(call.path, call.rawInput),
  }
  const { key, owner, expires } = attempt
  let made: Claimed | undefined
  let instead: Claim['instead']
  let making: Promise<Claimed> | undefined
  const make = async (): Promise<Claimed> => {
    instead = undefined
    try {
      const text = await claimOrAnswer(scope, call, attempt)
      scope.deadline.signal.throwIfAborted() // the client has got TIMEOUT, so the resolver must not start
      if (text === undefined) {
        made = { key, owner, expires, counts: new Map() }
        return made
      }
      instead = { status: 'answered', text }
    } catch (failure) {
      instead = { status: 'refused', failure }
    }
    making = undefined // a middleware may call `next` again
    throw notClaimed(instead)
  }
  return {
    ...{ key, expires, make: () => (making ??= make()) },
    get made() {
      return made
    },
    get instead() {
      return instead
    },
  }
}

/**
 * Claims the key and returns undefined, or returns the result of another attempt as text. Throws like `answerKeyed`.
 */
async function claimOrAnswer(scope: InvocationContext, call: KeyedCall, attempt: Attempt): Promise<string | undefined> {
  scope.deadline.signal.throwIfAborted()
  const { key, owner, lease, fingerprint, expires } = attempt
  const claim = await scope.store.claimKey({ key, owner, lease, fingerprint, expires }).catch((thrown: unknown) => {
    throw isRefusedWrite(thrown) && !call.resend ? notRun(thrown) : thrown
  })
  return claim.status === 'claimed' ? undefined : answerExisting(scope, call, attempt, claim.row)
}

/** Every attempt to write the claim was refused. A mutation that was not sent before cannot have run. */
function notRun(cause: StoreError): TrunklineError {
  return new TrunklineError('FUNCTION_FAILED', 'The service is temporarily unavailable.', { cause, mayHaveRun: false })
}

function isRefusedWrite(thrown: unknown): thrown is StoreError {
  return thrown instanceof StoreError && !thrown.mayHaveHappened
}

type Attempt = Omit<Claimed, 'counts'> & Pick<KeyRow, 'lease' | 'fingerprint'>

/** The error that middlewares get when the key was not claimed. */
function notClaimed(instead: NonNullable<Claim['instead']>): TRPCError {
  if (instead.status === 'answered')
    return new TRPCError({ code: 'CONFLICT', message: 'This mutation already has a result under its key.' })
  const cause = toTRPCError(instead.failure)
  return new TRPCError({ code: cause.code, message: cause.message, cause })
}

/**
 * The recorded result of a keyed mutation as text, without starting it; undefined when an attempt may start. Throws
 * like `answerKeyed`.
 */
export async function answerRecorded(
  scope: InvocationContext,
  caller: ConnectionCaller,
  call: KeyedCall,
): Promise<string | undefined> {
  const key = rowNameOf(caller, call.key)
  const row = await scope.store.readKey(key)
  if (row === undefined) return undefined
  const fingerprint = fingerprintOf(call.path, call.rawInput)
  const isExpired = row.state === 'RUNNING' && row.lease <= scope.clock.now()
  if (isExpired && row.fingerprint === fingerprint && metaOf(scope.server, call.path).repeatable === true)
    return undefined
  return answerExisting(scope, call, { key, owner: '', expires: row.expires, lease: 0, fingerprint }, row)
}

/**
 * Answers from the row of another attempt: by its outcome, its lease or its end. Undefined when this attempt has
 * replaced it.
 */
async function answerExisting(
  scope: InvocationContext,
  call: KeyedCall,
  attempt: Attempt,
  row: KeyRow,
): Promise<string | undefined> {
  if (row.fingerprint !== attempt.fingerprint)
    // [TL-KEY-3]
    throw new TrunklineError(
      'KEY_REUSED',
      'This idempotency key was used for another path or another input. Use a new key for each call.',
    )
  if (row.state !== 'RUNNING') return settledAnswer(call, row)
  const remainingMs = row.lease - scope.clock.now()
  const { repeatable, longRunning } = metaOf(scope.server, call.path)
  // [TL-KEY-5]
  if (remainingMs > 0) throw pending(Math.min(remainingMs, longRunning === true ? longRetryAfterMs : retryAfterMs))
  if (repeatable === true) {
    const { key, owner, lease } = attempt
    const take = await scope.store.takeKey({ key, owner, lease, from: row })
    return take.status === 'taken' ? undefined : answerExisting(scope, call, attempt, take.row)
  }
  // An expired lease is settled once as unknown: whether its attempt took effect cannot be found out. [TL-KEY-6]
  const settled = await scope.store.settleKey({ key: attempt.key, owner: row.owner, state: 'UNKNOWN' })
  return settledAnswer(call, settled.row)
}

function settledAnswer(call: KeyedCall, row: KeyRow): string {
  // An outcome is recorded without a frame id: every response is identical except for its id. [TL-KEY-1]
  if (row.state === 'DONE' && row.outcome !== undefined) return withId(call, row.outcome)
  if (row.state === 'RUNNING') throw pending(retryAfterMs)
  throw new TrunklineError(
    'OUTCOME_UNKNOWN',
    'A function died while it ran this mutation, so whether it took effect is unknown. Mark the procedure repeatable if it is safe to run again.',
  )
}

function pending(afterMs: number): TrunklineError {
  return new TrunklineError('PENDING', 'This mutation is running.', { retryAfterMs: afterMs })
}
