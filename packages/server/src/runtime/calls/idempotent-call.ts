// This file has the whole life of a key (claim, result of another attempt, settlement), because each step decides by
// the same row.

import { TRPCError } from '@trpc/server'
import { randomName } from '../../ports/clock.ts'
import type { KeyRow } from '../../ports/idempotency.ts'
import { StoreError } from '../../ports/store.ts'
import type { Caller } from '../context/caller.ts'
import type { InvocationContext, Keyed } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type Answer, encodeAnswer, RawJson } from '../encoding/encode.ts'
import { countCall } from '../rates/count-call.ts'
import { checkKey, fingerprintOf, keyExpires, rowNameOf, rowNameOfMiddlewares } from './idempotency-key.ts'
import { type CallRequest, type CallResult, isInterruption, metaOf, runToResult, toOutcome } from './run-call.ts'

/** The members of a call that are compared with its key's row. */
export interface KeyedInput {
  readonly key: string
  readonly path: string
  readonly rawInput: unknown
}

/** A mutation with its key, from a client that declared extensions. */
export interface KeyedCall extends CallRequest, KeyedInput {
  /** The client has sent it before, so its key is read first. */
  readonly resend: boolean
}

/** A lease ends this long after the function's deadline: until then its attempt may still be running. */
const leaseGraceMs = 31_000
const retryAfterMs = 1_000
const longRetryAfterMs = 5_000 // of a long call, which may run for minutes and whose result is pushed

/**
 * Runs a mutation with one effect and one result, even if it is sent again, delivered twice or killed [LAW-ONE-EFFECT].
 * The key is claimed after the last middleware, right before the resolver; the recorded result is that of the whole
 * chain. Throws `TrunklineError`: KEY_EXPIRED, KEY_REUSED, OUTCOME_UNKNOWN, FUNCTION_FAILED when the key could not be
 * claimed, or PENDING while another attempt may be running.
 */
// [TL-KEY-13] [TL-KEY-14]
export async function answerKeyed(context: InvocationContext, caller: Caller, given: KeyedCall): Promise<Answer> {
  const call = { ...given, facts: { ...given.facts, idempotencyKey: given.key } }
  checkKey(call.key, context.clock.now())
  const recorded = call.resend ? await answerRecorded(context, caller, call) : undefined
  if (recorded !== undefined) return recorded
  const claim = createClaim(context, caller, call)
  const { key, expires } = claim
  const middlewares: Keyed = { key: rowNameOfMiddlewares(key), expires, counts: new Map() }
  const result = await runToResult({ ...context, keyed: middlewares }, call, async (resolve) =>
    resolve(await claim.make()),
  )
  // A result that a middleware returns without the resolver is recorded too.
  if (result.status === 'returned' && claim.instead === undefined) await claim.make().catch(() => {})
  const { instead, made } = claim
  if (instead?.status === 'refused') throw instead.failure // even if a middleware has caught it
  if (instead?.status === 'answered') return instead.answer
  const wasRejected = made === undefined && canHaveRun(call, result)
  const recordedByOther = wasRejected ? await answerRecorded(context, caller, call) : undefined
  if (recordedByOther !== undefined) return recordedByOther
  const { answer, settled } = toOutcome({ ...context, keyed: made }, call, result)
  // Rejected before the claim, or Trunkline failed while the procedure ran: the lease stays.
  if (made === undefined || !settled) return answer
  const outcome = encodeAnswer(answer)
  const done = await context.store.settleKey({ key, owner: made.owner, state: 'DONE', outcome })
  return settledAnswer(done.row)
}

/**
 * Whether another attempt may have run a call that was rejected before the claim: middlewares may reject now what they
 * accepted then.
 */
function canHaveRun({ resend, facts }: KeyedCall, result: CallResult): boolean {
  if (result.status === 'returned') return false
  const error = toTRPCError(result.thrown)
  const isFirst = !resend && facts.cause === 'frame'
  // A first send that a validator rejects costs no request to the table.
  return !isInterruption(error) && !(isFirst && error.code === 'BAD_REQUEST')
}

/** The claim of one attempt. */
interface Claim {
  readonly key: string
  /** Epoch seconds. */
  readonly expires: number
  readonly made: Claimed | undefined
  /** The response to the call if the key could not be claimed. */
  readonly instead:
    | { readonly status: 'answered'; readonly answer: Answer }
    | { readonly status: 'refused'; readonly failure: unknown }
    | undefined
  /**
   * Claims the key, once even if it is called several times. Throws a `TRPCError` into the chain when the resolver must
   * not run.
   */
  make(): Promise<Claimed>
}

type Claimed = Keyed & { readonly owner: string }

function createClaim(context: InvocationContext, caller: Caller, call: KeyedCall): Claim {
  const attempt = {
    key: rowNameOf(caller, call.key),
    owner: randomName(context.clock, 20),
    expires: keyExpires(context.clock.now()),
    lease: context.deadline.at + leaseGraceMs,
    fingerprint: fingerprintOf(call.path, call.rawInput),
  }
  const { key, owner, expires } = attempt
  let made: Claimed | undefined
  let instead: Claim['instead']
  let making: Promise<Claimed> | undefined
  const make = async (): Promise<Claimed> => {
    instead = undefined
    try {
      const answer = await claimOrAnswer(context, caller, { call, attempt })
      context.deadline.throwIfPassed() // the client has got TIMEOUT, so the resolver must not start
      if (answer === undefined) {
        made = { key, owner, expires, counts: new Map() }
        return made
      }
      instead = { status: 'answered', answer }
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

/** Claims the key and returns undefined, or returns the answer of another attempt. Throws like `answerKeyed`. */
async function claimOrAnswer(
  context: InvocationContext,
  caller: Caller,
  { call, attempt }: { readonly call: KeyedCall; readonly attempt: Attempt },
): Promise<Answer | undefined> {
  context.deadline.throwIfPassed()
  const { key, owner, lease, fingerprint, expires } = attempt
  const claim = await context.store.claimKey({ key, owner, lease, fingerprint, expires }).catch((thrown: unknown) => {
    throw isRefusedWrite(thrown) && !call.resend ? notRun(thrown) : thrown
  })
  if (claim.status === 'conflict') return answerExisting(context, call, { ...attempt, row: claim.row })
  if (call.facts.cause === 'frame') await countClaim(context, caller, { call, attempt })
  return undefined
}

/**
 * Counts a call of a procedure with a `rate`, after its key was claimed: of several attempts one counts, and none is
 * refused while another one runs. A call that is refused releases its key, which is then as new. [TL-RATE-5]
 */
async function countClaim(
  context: InvocationContext,
  caller: Caller,
  { call, attempt }: { readonly call: KeyedCall; readonly attempt: Attempt },
): Promise<void> {
  try {
    await countCall(context, caller, call.path)
  } catch (thrown) {
    await context.store.releaseKey(attempt).catch(() => {}) // its lease ends
    throw thrown
  }
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
 * The recorded answer of a keyed mutation, without starting it; undefined when an attempt may start. Throws like
 * `answerKeyed`.
 */
export async function answerRecorded(
  context: InvocationContext,
  caller: Caller,
  call: KeyedInput,
): Promise<Answer | undefined> {
  const key = rowNameOf(caller, call.key)
  const row = await context.store.readKey(key)
  if (row === undefined) return undefined
  const fingerprint = fingerprintOf(call.path, call.rawInput)
  const isExpired = row.state === 'RUNNING' && row.lease <= context.clock.now()
  if (isExpired && row.fingerprint === fingerprint && metaOf(context.server, call.path).repeatable === true)
    return undefined
  return answerExisting(context, call, { key, owner: '', expires: row.expires, lease: 0, fingerprint, row })
}

/**
 * Answers from the row of another attempt: by its outcome, its lease or its end. Undefined when this attempt has
 * replaced it.
 */
async function answerExisting(
  context: InvocationContext,
  call: KeyedInput,
  { row, ...attempt }: Attempt & { readonly row: KeyRow },
): Promise<Answer | undefined> {
  if (row.fingerprint !== attempt.fingerprint)
    // [TL-KEY-3]
    throw new TrunklineError(
      'KEY_REUSED',
      'This idempotency key was used for another path or another input. Use a new key for each call.',
    )
  if (row.state !== 'RUNNING') return settledAnswer(row)
  const remainingMs = row.lease - context.clock.now()
  const { repeatable, longRunning } = metaOf(context.server, call.path)
  // [TL-KEY-5]
  if (remainingMs > 0) throw pending(Math.min(remainingMs, longRunning === true ? longRetryAfterMs : retryAfterMs))
  if (repeatable === true) {
    const { key, owner, lease } = attempt
    const take = await context.store.takeKey({ key, owner, lease, from: row })
    return take.status === 'taken' ? undefined : answerExisting(context, call, { ...attempt, row: take.row })
  }
  // An expired lease is settled once as unknown: whether its attempt took effect cannot be found out. [TL-KEY-6]
  const settled = await context.store.settleKey({ key: attempt.key, owner: row.owner, state: 'UNKNOWN' })
  return settledAnswer(settled.row)
}

function settledAnswer(row: KeyRow): Answer {
  // An outcome is recorded without a frame id: every response is identical except for its id. [TL-KEY-1]
  if (row.state === 'DONE' && row.outcome !== undefined) return { recorded: new RawJson(row.outcome) }
  if (row.state === 'RUNNING') throw pending(retryAfterMs)
  throw new TrunklineError(
    'OUTCOME_UNKNOWN',
    'A function died while it ran this mutation, so whether it took effect is unknown. Mark the procedure repeatable if it is safe to run again.',
  )
}

function pending(afterMs: number): TrunklineError {
  return new TrunklineError('PENDING', 'This mutation is running.', { retryAfterMs: afterMs })
}
