// One file over 200 lines: the rules for subscriptions, calls and rows share the published log and the lawful errors.

import { isThird, topicOf } from '../records/application.ts'
import type { CallRecord, SubscriptionRecord } from '../records/history.ts'
import type { Committed } from '../records/published-log.ts'
import type { SubscriptionResponse } from '../records/subscription-responses.ts'
import type { World } from '../world/world.ts'

/**
 * `settled`: all clients have had time to converge. `published`: then more was published, which shows stock clients
 * that their ordered delivery stopped.
 */
export type Stage = 'settled' | 'published'

/** Checks what each subscription's application received against the published log. */
export function checkSubscriptions(world: World, stage: Stage): void {
  for (const record of world.history.subscriptions) checkSubscription(world, record, stage)
}

interface Position {
  /** Index in the published log of the last event accounted for; undefined before the first. */
  at: number | undefined
  /**
   * The application must receive the events from this index on: they were put after `started` or the gap was reported.
   */
  owed: number
}

function checkSubscription(world: World, record: SubscriptionRecord, stage: Stage): void {
  const { table, report, plan } = world
  const topic = topicOf(record.room)
  const published = table.published.of(topic)
  const about = `${record.device} ${record.path} ${record.room}`
  const isMatch = ({ n }: Committed) => n !== undefined && (record.path !== 'thirds' || isThird(n))
  const isWanted = (each: Committed) => isMatch(each) && !each.undone
  const position: Position = { at: undefined, owed: Number.POSITIVE_INFINITY }
  const delivered = new Set<number>()
  // true after it received an event that a restore has undone, until it is reported; a response may then move it back
  let hasUndone = false
  const missing = (from: number, to: number) => {
    for (let index = Math.max(0, from); index < to; index++) {
      const each = published[index]
      if (each !== undefined && isWanted(each) && !isUndetectable(world, record, index)) return index
    }
    return undefined
  }
  const firstOwed = () => (position.at === undefined ? position.owed : Math.min(position.owed, position.at + 1))

  for (const entry of record.entries) {
    if (entry.kind === 'started') {
      if (position.at === undefined) position.owed = record.isStock ? entry.seen : Math.min(position.owed, entry.seen)
    } else if (entry.kind === 'gap') {
      position.at = undefined
      position.owed = entry.seen
      hasUndone = false
      // a gap may move it back, and then it receives events again
      if (table.published.rewinds.length > 0) delivered.clear()
    } else if (entry.kind === 'data') {
      const index = table.published.indexOf(topic, entry.id, entry)
      const found = published[index]
      if (found === undefined) {
        report.break('H8', `${about} received ${entry.id}, which is not in the log`)
        continue
      }
      if (entry.state !== undefined) {
        if (position.at !== undefined && index < position.at && !hasUndone)
          report.break('H6', `${about} restarted at ${entry.id}, before its position`)
        if (entry.state < index + 1)
          report.break('H7', `${about} started with a state older than its position ${entry.id}`)
        position.at = index
        position.owed = index + 1
        if (hasUndone) delivered.clear()
        hasUndone = found.undone
        continue
      }
      // held back from the undone history
      if (found.undone && isUndetectable(world, record, index, entry.seen)) continue
      if (found.n !== entry.n) report.break('H3', `${about} received ${entry.n} as ${entry.id}, which is ${found.n}`)
      if (!isMatch(found)) report.break('H8', `${about} received ${entry.n}, which its filter excludes`)
      if (delivered.has(index)) report.break('H2', `${about} received ${entry.id} (${entry.n}) twice`)
      else if (position.at !== undefined && index < position.at)
        report.break('H6', `${about} received ${entry.id} (${entry.n}) out of order`)
      const lost = missing(firstOwed(), index)
      if (lost !== undefined)
        report.break(
          'H7',
          `${about} received ${entry.id} and never ${cursorOf(published[lost])} (${published[lost]?.n}), without a signal`,
        )
      delivered.add(index)
      hasUndone ||= found.undone
      position.at = Math.max(index, position.at ?? index)
      position.owed = position.at + 1
    }
  }
  if (record.ended === 'error' && !isLawfulEnd(record, plan.struck))
    report.break('H15', `${about} ended: ${JSON.stringify(record.entries.at(-1))}`, 'other')
  if (record.ended !== undefined) return
  if (record.isStock && stage === 'settled') return // in a quiet topic, the last event is delivered with the next one
  // a subscribe whose function died before it wrote the row gets no response: its client waits for its connection's end
  if (record.isStock && functionsFailed(plan.struck) > 0 && lacksRow(world, record)) return
  if (!record.entries.some(({ kind }) => kind !== 'error')) {
    report.break('H15', `${about} never started`)
    return
  }
  const lost = missing(firstOwed(), published.length)
  if (lost !== undefined)
    report.break(
      'H5',
      `${about} never received ${cursorOf(published[lost])} (${published[lost]?.n}) of ${published.length}`,
    )
}

/**
 * The limitation of a log that was rewound while its restore number stayed the same. Whether a client cannot learn of
 * an event of the new history. That is so if the client had received events of the old history up to at least the
 * event's offset, and no response reached the client between the restore and the put that brought the log to that
 * offset again. A response before that put shows the client a log that ends before the client's position; a response
 * after it shows nothing unusual.
 *
 * For an event of the old history (`seen`: the number of commits when it was received), whether it may have been held
 * back until then.
 */
function isUndetectable(
  world: World,
  record: SubscriptionRecord,
  index: number,
  seen = Number.POSITIVE_INFINITY,
): boolean {
  const { table, responses } = world
  const topic = topicOf(record.room)
  const published = table.published.of(topic)
  const { epoch, offset } = published[index]?.slot ?? { epoch: '', offset: 0 }
  const isOld = published[index]?.undone === true
  return table.published.rewinds.some(({ at, lengths }) => {
    const length = lengths.get(topic) ?? 0
    if (isOld ? index >= length || seen <= length : index < length) return false
    const wasGiven = givenOf(world, record, length, epoch)
    if (!isOld && wasGiven < offset) return false
    const again = published.find(({ slot }, place) => place >= length && slot.epoch === epoch && slot.offset >= offset)
    const until = again?.at ?? Number.POSITIVE_INFINITY
    const isOwn = (each: SubscriptionResponse) =>
      each.device === record.device && each.path === record.path && each.room === record.room
    return !responses.some((each) => isOwn(each) && each.at >= at && each.at < until)
  })
}

/**
 * The highest offset of the epoch that a subscription received from the history with these commits. A filtered
 * subscription advances without receiving events.
 */
function givenOf(world: World, { entries, path, room }: SubscriptionRecord, length: number, epoch: string): number {
  const topic = topicOf(room)
  const published = world.table.published.of(topic)
  const given = entries.flatMap((entry): readonly (Committed | undefined)[] => {
    if (entry.kind === 'data') return [published[world.table.published.indexOf(topic, entry.id, entry)]]
    return entry.kind === 'started' ? [published[entry.seen - 1]] : []
  })
  const known = path === 'thirds' ? published.slice(0, length) : given
  const offsets = known.flatMap((each) => (each?.undone && each.slot.epoch === epoch ? [each.slot.offset] : []))
  return Math.max(0, ...offsets)
}

/**
 * Whether the table has fewer rows than the device has live subscriptions like this one. Equal subscriptions of one
 * device cannot be distinguished by their rows.
 */
function lacksRow({ table, gateway, history }: World, { device, path, room }: SubscriptionRecord): boolean {
  const alike = history.subscriptions.filter(
    (each) => each.ended === undefined && each.device === device && each.path === path && each.room === room,
  )
  const topic = topicOf(room)
  const { shards = 1 } = table.operations.readSubscribers(topic, 0, {})
  const rows = Array.from(
    { length: shards },
    (_, shard) => table.operations.readSubscribers(topic, shard, {}).subscribers,
  )
  const known = rows
    .flat()
    .filter((row) => row.path === path && gateway.connections.get(row.connectionId)?.device === device)
  return known.length < alike.length
}

/**
 * Whether a subscription may have ended: a client ends a subscription, with an error, after five consecutive failures.
 */
function isLawfulEnd({ entries, isStock }: SubscriptionRecord, struck: readonly string[]): boolean {
  const last = entries.at(-1)
  if (last?.kind !== 'error') return false
  const failures = functionsFailed(struck)
  if (isStock) return last.code === gapCode || (failures > 0 && stockCodes.includes(last.code)) // it does not try again
  return last.code === 'CLOSED' || (mendable.includes(last.code) && failures >= 5)
}

/** The strikes that made a function fail. */
export const functionsFailed = (struck: readonly string[]) => struck.filter((name) => /^F(19|2\d)\./.test(name)).length
const gapCode = 'PRECONDITION_FAILED' // tRPC's own client sees a gap as an error
/** The codes with which tRPC's own client sees the line's failures. */
export const stockCodes = ['INTERNAL_SERVER_ERROR', 'TIMEOUT', 'CLIENT_CLOSED_REQUEST']
/** The codes that our client retries, up to five consecutive times. */
export const mendable = ['FUNCTION_FAILED', 'TIMEOUT', 'RATE_LIMITED', 'CONNECTION_LOST']

const cursorOf = (committed: Committed | undefined) => `${committed?.slot.epoch}:${committed?.slot.offset}`

const callTimeoutMs = 30_000
const slackMs = 1_500

/** Checks calls and publishes: effects, responses, order, completion. */
export function checkCalls(world: World): void {
  const { history, table, report } = world
  const puts = countPuts(world)
  const doubles = world.plan.struck.some((name) => name.startsWith('F10.') || name.startsWith('F21.'))
  for (const call of history.calls) {
    const about = `${call.device} ${call.path} ${call.n} (${call.key})`
    if (call.settled !== 1) report.break('H11', `${about} settled ${call.settled} times`)
    const tookMs = (call.deviceSettledAt ?? 0) - call.deviceAt
    if (tookMs > callTimeoutMs + slackMs) report.break('H11', `${about} took ${tookMs} ms`)
    const acknowledged = call.answer !== undefined && 'data' in call.answer
    if (call.path === 'count') continue
    const once = call.key !== 'none' || !doubles
    for (const n of call.path === 'spread' ? [call.n, call.n + 0.25, call.n + 0.5] : [call.n]) {
      const count = puts.get(n)?.length ?? 0
      if (acknowledged && count === 0) report.break('H1', `${about} was acknowledged, and ${n} is in no log`)
      if (once && count > 1) report.break('H2', `${about}: ${n} is in the log ${count} times`)
    }
    const charges = history.charges.get(call.n) ?? 0
    if (call.path === 'bill' && once && charges > 1) report.break('H10', `${about} had its effect ${charges} times`)
    if (call.path === 'bill' && acknowledged && charges === 0)
      report.break('H10', `${about} was acknowledged without its effect`, 'lost')
    if (call.answer !== undefined && 'error' in call.answer && !isLawfulFailure(call))
      report.break('H11', `${about} failed: ${call.answer.code} ${call.answer.error}`)
  }
  for (const script of history.scripts) {
    const count = puts.get(script.n)?.length ?? 0
    if (script.acknowledged > 0 && count === 0)
      report.break('H1', `a script's ${script.n} was acknowledged and is in no log`)
    if (count > 1 && script.key !== undefined)
      report.break('H10', `a script's ${script.n} is in the log ${count} times`)
  }
  checkAnswers(world)
  checkOrder(world, puts)
  for (const key of table.keys) {
    const row = table.keyRow(key)
    if (row?.state === 'RUNNING' && row.lease - world.kernel.now > 75_000)
      report.break('H14', `the claim of ${key} has a lease without end`)
  }
}

const lawfulCodes = ['TIMEOUT', 'CONNECTION_LOST', 'OUTCOME_UNKNOWN', 'FUNCTION_FAILED', 'CLOSED', 'RATE_LIMITED']

function isLawfulFailure({ path, answer }: CallRecord): boolean {
  if (answer === undefined || 'data' in answer) return true
  if (path === 'refuse' && answer.error.startsWith('refused ')) return true
  return answer.code !== undefined && lawfulCodes.includes(answer.code)
}

type Puts = ReadonlyMap<number, readonly { readonly topic: string; readonly index: number }[]>

function countPuts({ table }: World): Puts {
  const puts = new Map<number, { topic: string; index: number }[]>()
  for (const [topic, all] of table.published.topics)
    for (const [index, { n }] of all.entries()) {
      if (n === undefined) continue
      const where = puts.get(n) ?? []
      puts.set(n, where)
      where.push({ topic, index })
    }
  return puts
}

/** Checks that all calls under one key got the same response. */
function checkAnswers({ history, report }: World): void {
  const answers = new Map<string, Set<string>>()
  for (const { key, answer, path } of history.calls) {
    if (key === 'auto' || key === 'none' || answer === undefined) continue
    const final = 'data' in answer || answer.code === 'OUTCOME_UNKNOWN' || answer.error.startsWith('refused ')
    if (!final) continue
    const all = answers.get(`${path} ${key}`) ?? new Set()
    answers.set(`${path} ${key}`, all)
    all.add('data' in answer ? JSON.stringify(answer.data) : `${answer.code} ${answer.error}`)
  }
  for (const [key, all] of answers)
    if (all.size > 1) report.break('H10', `${key} got different responses: ${[...all].join(' and ')}`)
}

/**
 * Checks the order: a call that was acknowledged before another was sent precedes it in the log, and so do calls with
 * the same ordering key.
 */
function checkOrder({ history, report }: World, puts: Puts): void {
  const firstAsked = new Map<number, number>()
  for (const { n, at } of history.calls) firstAsked.set(n, Math.min(at, firstAsked.get(n) ?? at))
  const placed = history.calls.flatMap((call) => {
    const where = puts.get(call.n)?.[0]
    return where === undefined || call.path === 'count' ? [] : [{ call, ...where }]
  })
  for (const one of placed) {
    const acknowledgedAt = one.call.answer !== undefined && 'data' in one.call.answer ? one.call.settledAt : undefined
    for (const other of placed) {
      if (one.topic !== other.topic || one.call.n === other.call.n || one.index < other.index) continue
      const before = acknowledgedAt !== undefined && acknowledgedAt < (firstAsked.get(other.call.n) ?? 0)
      if (before)
        report.break('H9', `${one.call.n} was acknowledged before ${other.call.n} was sent, and follows it in the log`)
      const { orderingKey, device, n } = one.call
      const hasSameOrderingKey =
        orderingKey !== undefined && orderingKey === other.call.orderingKey && device === other.call.device
      // a call that timed out may still be running, so its position is undefined
      if (hasSameOrderingKey && n < other.call.n && acknowledgedAt !== undefined)
        report.break('H9', `${n} and ${other.call.n} with the same orderingKey are in the wrong order`)
    }
  }
}

/** After quiescence: the table's rows match the devices' subscriptions, and nothing runs. */
export function checkRows(world: World, topics: readonly string[]): void {
  const { table, gateway, report, kernel } = world
  for (const topic of topics) {
    const shards = table.operations.readSubscribers(topic, 0, {}).shards ?? 1
    const seen = new Set<string>()
    for (let shard = 0; shard < shards; shard++) {
      for (const row of table.operations.readSubscribers(topic, shard, {}).subscribers) {
        // the line posts nothing to this row
        if (row.expires * 1_000 <= kernel.now || (row.authExp ?? kernel.now) < kernel.now) continue
        const connection = gateway.connections.get(row.connectionId)
        const name = `${row.connectionId} ${row.id}`
        if (connection?.state !== 'open') report.break('H14', `${topic}: the row of ${name} is of a closed connection`)
        else if (!connection.requestedRefs.has(row.id) && !connection.isStock)
          report.break('H14', `${topic}: the row of ${name} has no subscription`)
        if (seen.has(name)) report.break('H14', `${topic}: ${name} has two rows`)
        seen.add(name)
      }
    }
  }
}

/** After all devices closed and all timeouts passed. */
export function checkNothingLeft(world: World): void {
  const { devices, functions, stream, report, gateway, invocations } = world
  for (const device of devices) {
    if (device.sockets > 0) report.break('H14', `${device.name} closed and kept ${device.sockets} sockets`)
    if (device.timers > 0) report.break('H14', `${device.name} closed and kept ${device.timers} timers`)
    if (device.status !== 'closed') report.break('H14', `${device.name} did not close`)
  }
  if (functions.running > 0) report.break('H14', `${functions.running} functions are still running`)
  if (stream.waiting > 0) report.break('H14', `${stream.waiting} records are pending`)
  if (invocations > 0) report.break('H14', `${invocations} invocations are pending`)
  for (const { connectionId, state } of gateway.connections.values())
    if (state !== 'closed') report.break('H14', `${connectionId} is still open`)
}
