import { randomName } from '../ports/clock.ts'
import type { KeyRow } from '../ports/store.ts'
import { type CallRequest, metaOf, runCall } from './call.ts'
import { checkKey, fingerprintOf, keyExpires, rowNameOf } from './call-key.ts'
import type { ConnectionCaller, ContextFacts } from './caller.ts'
import type { Keyed } from './keyed-scope.ts'
import { LineFailure } from './line-failure.ts'
import { withId } from './reply.ts'
import type { ServedScope } from './scope.ts'
import { validateInput } from './validate-input.ts'

/** A mutation with its key, from a client that declared extensions. */
export interface KeyedCall extends CallRequest {
  readonly key: string
  readonly rawInput: unknown
}

/** Beyond the function's own end: until then its attempt may still be running. */
const leaseGraceMs = 31_000
const askAgainMs = 1_000
const askLongAgainMs = 5_000 // of one that may run for minutes, and whose answer is pushed

/**
 * Runs a mutation with one effect and one answer, whatever is resent, doubled or killed (law 9), and gives the answer's text.
 * Throws `LineFailure`: KEY_EXPIRED, KEY_REUSED, OUTCOME_UNKNOWN, or PENDING while another attempt may be running.
 */
export async function answerKeyed(
  scope: ServedScope,
  caller: ConnectionCaller,
  call: KeyedCall,
  facts: ContextFacts,
): Promise<string> {
  checkKey(call.key, scope.clock.now())
  await validateInput(scope.server, call)
  const key = rowNameOf(caller, call.key)
  const owner = randomName(scope.clock, 20)
  const lease = scope.deadline.at + leaseGraceMs
  const fingerprint = fingerprintOf(call.path, call.rawInput)
  const expires = keyExpires(scope.clock.now())
  // The claim is the last act before the procedure.
  const claim = await scope.store.claimKey({ key, owner, lease, fingerprint, expires })
  const keyed: Keyed = { key, owner, expires, counts: new Map() }
  if (claim.status === 'claimed') return runClaimed(scope, call, facts, keyed)
  return answerStanding(scope, call, facts, { ...keyed, lease, fingerprint }, claim.row)
}

/** What is known of a keyed mutation without beginning it: its answer's text, or undefined when an attempt may begin. Throws as `answerKeyed` does. */
export async function answerRecorded(
  scope: ServedScope,
  caller: ConnectionCaller,
  call: KeyedCall,
  facts: ContextFacts,
): Promise<string | undefined> {
  const key = rowNameOf(caller, call.key)
  const row = await scope.store.readKey(key)
  if (row === undefined) return undefined
  const fingerprint = fingerprintOf(call.path, call.rawInput)
  const isOver = row.state === 'RUNNING' && row.lease <= scope.clock.now()
  if (isOver && row.fingerprint === fingerprint && metaOf(scope.server, call.path).repeatable === true) return undefined
  const nobody: Keyed = { key, owner: '', expires: row.expires, counts: new Map() }
  return answerStanding(scope, call, facts, { ...nobody, lease: 0, fingerprint }, row)
}

/** The row that another attempt left: its outcome, its lease, or its end. */
async function answerStanding(
  scope: ServedScope,
  call: KeyedCall,
  facts: ContextFacts,
  mine: Keyed & Pick<KeyRow, 'lease' | 'fingerprint'>,
  row: KeyRow,
): Promise<string> {
  if (row.fingerprint !== mine.fingerprint)
    throw new LineFailure('KEY_REUSED', 'This key was used for another path or another input.') // [TL-KEY-3]
  if (row.state !== 'RUNNING') return settledAnswer(call, row)
  const left = row.lease - scope.clock.now()
  const { repeatable, longRunning } = metaOf(scope.server, call.path)
  if (left > 0) throw pending(Math.min(left, longRunning === true ? askLongAgainMs : askAgainMs)) // [TL-KEY-5]
  if (repeatable === true) {
    const take = await scope.store.takeKey({ key: mine.key, owner: mine.owner, lease: mine.lease, from: row })
    return take.status === 'taken'
      ? runClaimed(scope, call, facts, mine)
      : answerStanding(scope, call, facts, mine, take.row)
  }
  // An over-long lease is settled once: nobody knows what its attempt did. [TL-KEY-6]
  const settled = await scope.store.settleKey({ key: mine.key, owner: row.owner, state: 'UNKNOWN' })
  return settledAnswer(call, settled.row)
}

/** Runs the claimed call; completes only as its owner; only then is there an answer. */
async function runClaimed(scope: ServedScope, call: KeyedCall, facts: ContextFacts, keyed: Keyed): Promise<string> {
  const { body, settled } = await runCall({ ...scope, keyed }, call, { ...facts, idempotencyKey: call.key })
  if (!settled) return withId(call, body) // the line failed half-way: no outcome, and the lease goes on
  const { key, owner } = keyed
  const done = await scope.store.settleKey({ key, owner, state: 'DONE', outcome: body })
  return settledAnswer(call, done.row)
}

function settledAnswer(call: KeyedCall, row: KeyRow): string {
  // An outcome is kept without the id of the frame that asked: every answer is the same byte for byte but for it. [TL-KEY-1]
  if (row.state === 'DONE' && row.outcome !== undefined) return withId(call, row.outcome)
  if (row.state === 'RUNNING') throw pending(askAgainMs)
  throw new LineFailure(
    'OUTCOME_UNKNOWN',
    'A function died while it ran this mutation, and nobody knows whether it took effect. Mark the procedure repeatable if running it again is safe.',
  )
}

function pending(retryAfterMs: number): LineFailure {
  return new LineFailure('PENDING', 'This mutation is running.', { retryAfterMs })
}
