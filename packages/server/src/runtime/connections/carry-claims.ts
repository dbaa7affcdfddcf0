import type { ConnectionRow } from '../../ports/connections.ts'
import type { ConnectionSubscription } from '../../ports/subscriptions.ts'
import { freedSubscriptions } from '../context/connection-counts.ts'
import { narrowDeadline } from '../context/deadline.ts'
import { withReport } from '../context/failure-source.ts'
import { mapConcurrent } from '../context/map-concurrent.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import type { Failure } from '../context/served-application.ts'
import { type Frame, RawJson } from '../encoding/encode.ts'
import { rejectRequest } from '../encoding/error-response.ts'
import { checkRecheckedClaims, checkRight, guardOf, RightUndecided } from '../procedures/topic-rights.ts'
import { stopRows } from '../recipients/end-subscriber.ts'

/** Topics that are asked about, and rows that are written, at the same time. */
const concurrently = 64
/** What is not decided by then is ended, so that all is done within 5 s. The client asks for it again. */
const decideMs = 2_500

/** The claims of an accepted `auth`, which the connection's row has already. */
export type NewClaims = Pick<ConnectionRow, 'connectionId' | 'principal'> &
  Required<Pick<ConnectionRow, 'claims' | 'renewedAt'>>

/** What an `auth` with other claims did to the subscriptions of its connection. */
export interface CarriedClaims {
  /** An error for each subscription that has ended, under its id. */
  readonly ended: readonly Frame[]
  /** Why some subscriptions were not handled. `claimsPending` stays, so that the next `auth` handles all again. */
  readonly failed?: { readonly thrown: unknown }
}

type Live = ConnectionSubscription & Required<Pick<ConnectionSubscription, 'topic' | 'shard'>>

/**
 * Carries new claims to the subscriptions of a connection. Asks `authorize` of each channel once for each topic, and
 * ends the subscriptions that it does not allow. Writes the claims into the topics' rows that hold claims: those with
 * `filter`, `map` or `recheck`. The connection's row has the claims already, since a concurrent subscribe reads it
 * after it wrote its own row [LAW-SERVER-IDENTITY] [LAW-RIGHTS]. Never throws.
 */
// [TL-RIGHT-3]
export async function carryClaims(outer: InvocationContext, claims: NewClaims): Promise<CarriedClaims> {
  const reports = collectReports(outer)
  const { context } = reports
  const { connectionId, renewedAt } = claims
  try {
    const rows = await context.store.readSubscriptions(connectionId)
    const decided = await decide(context, rows.filter(isLive), claims)
    const carried = await apply(context, decided, claims)
    if (carried.failed === undefined) await context.store.settleClaims(connectionId, renewedAt)
    return carried
  } catch (thrown) {
    return { ended: [], failed: { thrown } }
  } finally {
    reports.send()
  }
}

/** A subscription, and why it must end; `refused` is undefined when it goes on. */
interface Decided {
  readonly row: Live
  readonly refused: unknown
}

/** Asks about all topics first, so that slow writes leave none undecided. Those that must end come first. */
async function decide(
  context: InvocationContext,
  rows: readonly Live[],
  claims: NewClaims,
): Promise<readonly Decided[]> {
  using deadline = narrowDeadline(context.clock, context.deadline, decideMs)
  const topics = [...byTopic(rows)]
  const decided = await mapConcurrent(topics, concurrently, async ([topic, live]) => {
    const refused = await refusalOf({ ...context, deadline }, topic, claims)
    return live.map((row) => ({ row, refused }))
  })
  return decided.flat().sort((one, other) => Number(other.refused !== undefined) - Number(one.refused !== undefined))
}

/** Ends what must end, and writes the claims of the others. A row that fails does not keep the others. */
async function apply(
  context: InvocationContext,
  decided: readonly Decided[],
  { claims, renewedAt }: NewClaims,
): Promise<CarriedClaims> {
  const ended: Frame[] = []
  let failed: CarriedClaims['failed']
  const freed = decided[0] && freedSubscriptions(context, decided[0].row)
  await mapConcurrent(decided, concurrently, async ({ row, refused }) => {
    try {
      if (refused === undefined && row.claims) await context.store.setSubscriberClaims({ ...row, claims, renewedAt })
      if (refused !== undefined && (await stopRows(context, row, freed))) ended.push(errorFor(context, row, refused))
    } catch (thrown) {
      failed ??= { thrown }
    }
  })
  await freed?.settle()
  return { ended, ...(failed && { failed }) }
}

function isLive(row: ConnectionSubscription): row is Live {
  return row.on && row.topic !== undefined && row.shard !== undefined
}

function byTopic(rows: readonly Live[]): ReadonlyMap<string, readonly Live[]> {
  const topics = new Map<string, Live[]>()
  for (const row of rows) topics.set(row.topic, [...(topics.get(row.topic) ?? []), row])
  return topics
}

/** Why the subscriptions of a topic must end; undefined when they go on. */
async function refusalOf(context: InvocationContext, topic: string, holder: NewClaims): Promise<unknown> {
  const guard = guardOf(context, topic)
  if (guard === undefined) return undefined
  try {
    if (context.deadline.isPassed) throw new RightUndecided(guard.name, context.deadline.signal.reason)
    await checkRight(context, topic, holder)
    if (guard.recheck !== undefined) checkRecheckedClaims(holder.claims)
    return undefined
  } catch (thrown) {
    return thrown
  }
}

function errorFor(context: InvocationContext, { id }: Live, thrown: unknown): Frame {
  return rejectRequest(context, { id: new RawJson(id), type: 'subscription', cause: 'frame' }, thrown)
}

/** The same context, whose reports are collected: `send` reports one of them, with their number. */
function collectReports(outer: InvocationContext) {
  const failures: Failure[] = []
  const report = (failure: Failure) => void failures.push(failure)
  return {
    context: withReport(outer, report),
    send() {
      const [first] = failures.sort((one, other) => Number(isOfServer(other)) - Number(isOfServer(one)))
      if (first !== undefined) outer.server.report({ ...first, ...(failures.length > 1 && { count: failures.length }) })
    },
  }
}

function isOfServer({ error }: Failure): boolean {
  return error.code === 'INTERNAL_SERVER_ERROR'
}
