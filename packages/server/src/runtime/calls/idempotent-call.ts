import { TRPCError } from '@trpc/server'
import { randomName } from '../../ports/clock.ts'
import { type KeyRow } from '../../ports/idempotency.ts'
import { StoreError } from '../../ports/store.ts'
import type { ConnectionCaller, ContextDetails } from '../context/caller.ts'
import type { InvocationContext, Keyed } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { withId } from '../encoding/error-response.ts'
import { checkKey, fingerprintOf, keyExpires, rowNameOf, rowNameOfMiddlewares } from './idempotency-key.ts'
import { type CallRequest, type CallResult, isHalfWay, metaOf, runToResult, toOutcome } from './run-call.ts'

/** A mutation with its key, from a client that declared extensions. */
export interface KeyedCall extends CallRequest {
  readonly key: string
  readonly rawInput: unknown
  /** Its client sent it before: its key is read first. */
  readonly resend: boolean
}

/** Beyond the function's own end: until then its attempt may still be running. */
const leaseGraceMs = 31_000
const askAgainMs = 1_000
const askLongAgainMs = 5_000 // of one that may run for minutes, and whose answer is pushed

/**
 * Runs a mutation with one effect and one answer, whatever is resent, doubled or killed [LAW-ONE-EFFECT], and gives the
 * answer's text. The key is claimed behind the last middleware, just before the resolver; the recorded answer is that
 * of the whole chain. Throws `TrunklineError`: KEY_EXPIRED, KEY_REUSED, OUTCOME_UNKNOWN, FUNCTION_FAILED where the key
 * could not be claimed, or PENDING while another attempt may be running.
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
  // The answer that a middleware gives by itself, without the resolver, is the one answer too.
  if (result.status === 'returned' && claim.instead === undefined) await claim.make().catch(() => {})
  const { instead, made } = claim
  if (instead?.status === 'refused') throw instead.failure // whatever middlewares made of it
  if (instead?.status === 'answered') return instead.text
  const other = made === undefined ? await answerOfAnother(scope, caller, call, facts, result) : undefined
  if (other !== undefined) return other
  const { body, settled } = toOutcome({ ...scope, keyed: made }, call, keyedFacts, result)
  // Refused before the claim, or the line failed half-way: then the lease goes on.
  if (made === undefined || !settled) return withId(call, body)
  const done = await scope.store.settleKey({ key, owner: made.owner, state: 'DONE', outcome: body })
  return settledAnswer(call, done.row)
}

/**
 * What a refusal before the claim is answered with where another attempt has the key: middlewares may refuse today
 * what they let pass then.
 */
async function answerOfAnother(
  scope: InvocationContext,
  caller: ConnectionCaller,
  call: KeyedCall,
  { cause }: ContextDetails,
  result: CallResult,
): Promise<string | undefined> {
  if (result.status === 'returned') return undefined
  const error = toTRPCError(result.thrown)
  const isFirst = !call.resend && cause === 'frame'
  // What a validator refuses of a first send costs no request.
  if (isHalfWay(error) || (isFirst && error.code === 'BAD_REQUEST')) return undefined
  return answerRecorded(scope, caller, call)
}

/** The claim of one attempt. */
interface Claim {
  readonly key: string
  /** Epoch seconds. */
  readonly expires: number
  readonly made: Claimed | undefined
  /** What the call is answered with where the key was not to be had. */
  readonly instead:
    | { readonly status: 'answered'; readonly text: string }
    | { readonly status: 'refused'; readonly failure: unknown }
    | undefined
  /**
   * Claims the key, once however often it is called. Throws a `TRPCError` for the chain where the resolver must not
   * run.
   */
  make(): Promise<Claimed>
}

type Claimed = Keyed & { readonly owner: string }

function createClaim(scope: InvocationContext, caller: ConnectionCaller, call: KeyedCall): Claim {
  const mine = {
    key: rowNameOf(caller, call.key),
    owner: randomName(scope.clock, 20),
    expires: keyExpires(scope.clock.now()),
    lease: scope.deadline.at + leaseGraceMs,
    fingerprint: fingerprintOf(call.path, call.rawInput),
  }
  const { key, owner, expires } = mine
  let made: Claimed | undefined
  let instead: Claim['instead']
  let making: Promise<Claimed> | undefined
  const make = async (): Promise<Claimed> => {
    instead = undefined
    try {
      const text = await claimOrAnswer(scope, call, mine)
      scope.deadline.signal.throwIfAborted() // nothing begins after its caller was answered with TIMEOUT
      if (text === undefined) {
        made = { key, owner, expires, counts: new Map() }
        return made
      }
      instead = { status: 'answered', text }
    } catch (failure) {
      instead = { status: 'refused', failure }
    }
    making = undefined // a middleware may call `next` again
    throw notBegun(instead)
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

/** Claims the key and gives undefined, or the text that another attempt left. Throws as `answerKeyed` does. */
async function claimOrAnswer(scope: InvocationContext, call: KeyedCall, mine: MyClaim): Promise<string | undefined> {
  scope.deadline.signal.throwIfAborted()
  const { key, owner, lease, fingerprint, expires } = mine
  const claim = await scope.store.claimKey({ key, owner, lease, fingerprint, expires }).catch((thrown: unknown) => {
    throw isRefusedWrite(thrown) && !call.resend ? notRun(thrown) : thrown
  })
  return claim.status === 'claimed' ? undefined : answerStanding(scope, call, mine, claim.row)
}

/**
 * A claim that was throttled each time that it was tried: of a mutation that was not sent before, nothing can have
 * run.
 */
function notRun(cause: StoreError): TrunklineError {
  return new TrunklineError('FUNCTION_FAILED', 'The line could not reach its table.', { cause, mayHaveRun: false })
}

function isRefusedWrite(thrown: unknown): thrown is StoreError {
  return thrown instanceof StoreError && !thrown.mayHaveHappened
}

type MyClaim = Omit<Claimed, 'counts'> & Pick<KeyRow, 'lease' | 'fingerprint'>

/** What middlewares see where the key was not claimed. */
function notBegun(instead: NonNullable<Claim['instead']>): TRPCError {
  if (instead.status === 'answered')
    return new TRPCError({ code: 'CONFLICT', message: 'This mutation has an answer under its key.' })
  const cause = toTRPCError(instead.failure)
  return new TRPCError({ code: cause.code, message: cause.message, cause })
}

/** What is known of a keyed mutation without beginning it: its answer's text, or undefined when an attempt may begin. Throws as `answerKeyed` does. */
export async function answerRecorded(
  scope: InvocationContext,
  caller: ConnectionCaller,
  call: KeyedCall,
): Promise<string | undefined> {
  const key = rowNameOf(caller, call.key)
  const row = await scope.store.readKey(key)
  if (row === undefined) return undefined
  const fingerprint = fingerprintOf(call.path, call.rawInput)
  const isOver = row.state === 'RUNNING' && row.lease <= scope.clock.now()
  if (isOver && row.fingerprint === fingerprint && metaOf(scope.server, call.path).repeatable === true) return undefined
  return answerStanding(scope, call, { key, owner: '', expires: row.expires, lease: 0, fingerprint }, row)
}

/**
 * The row that another attempt left: its outcome, its lease, or its end. Undefined where this attempt took its place.
 */
async function answerStanding(
  scope: InvocationContext,
  call: KeyedCall,
  mine: MyClaim,
  row: KeyRow,
): Promise<string | undefined> {
  if (row.fingerprint !== mine.fingerprint)
    throw new TrunklineError('KEY_REUSED', 'This key was used for another path or another input.') // [TL-KEY-3]
  if (row.state !== 'RUNNING') return settledAnswer(call, row)
  const left = row.lease - scope.clock.now()
  const { repeatable, longRunning } = metaOf(scope.server, call.path)
  if (left > 0) throw pending(Math.min(left, longRunning === true ? askLongAgainMs : askAgainMs)) // [TL-KEY-5]
  if (repeatable === true) {
    const take = await scope.store.takeKey({ key: mine.key, owner: mine.owner, lease: mine.lease, from: row })
    return take.status === 'taken' ? undefined : answerStanding(scope, call, mine, take.row)
  }
  // An over-long lease is settled once: nobody knows what its attempt did. [TL-KEY-6]
  const settled = await scope.store.settleKey({ key: mine.key, owner: row.owner, state: 'UNKNOWN' })
  return settledAnswer(call, settled.row)
}

function settledAnswer(call: KeyedCall, row: KeyRow): string {
  // An outcome is kept without the id of the frame that asked: every answer is the same byte for byte but for it. [TL-KEY-1]
  if (row.state === 'DONE' && row.outcome !== undefined) return withId(call, row.outcome)
  if (row.state === 'RUNNING') throw pending(askAgainMs)
  throw new TrunklineError(
    'OUTCOME_UNKNOWN',
    'A function died while it ran this mutation, and nobody knows whether it took effect. Mark the procedure repeatable if running it again is safe.',
  )
}

function pending(retryAfterMs: number): TrunklineError {
  return new TrunklineError('PENDING', 'This mutation is running.', { retryAfterMs })
}
