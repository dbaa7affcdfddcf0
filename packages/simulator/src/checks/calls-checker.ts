import type { CallRecord } from '../records/history.ts'
import type { World } from '../world/world.ts'
import { isLawfulFailure } from './lawful-errors.ts'

const callTimeoutMs = 30_000
const slackMs = 1_500
const longestLeaseMs = 75_000

/** Checks calls and publishes: effects, responses, order, completion. */
export function checkCalls(world: World): void {
  const puts = countPuts(world)
  for (const call of world.history.calls) {
    checkSettlement(world, call)
    if (call.path !== 'count') checkEffects(world, call, puts)
    checkPayers(world, call)
  }
  checkScripts(world, puts)
  checkResponses(world)
  checkOrder(world, puts)
  checkClaims(world)
}

const nameOf = ({ device, path, n, key }: CallRecord) => `${device} ${path} ${n} (${key})`
const isAcknowledged = ({ answer }: CallRecord) => answer !== undefined && 'data' in answer

/** H11: a call settles once, in time, and fails only for a reason. */
function checkSettlement({ report }: World, call: CallRecord): void {
  if (call.settled !== 1) report.break('H11', `${nameOf(call)} settled ${call.settled} times`)
  const tookMs = (call.deviceSettledAt ?? 0) - call.deviceAt
  if (tookMs > callTimeoutMs + slackMs) report.break('H11', `${nameOf(call)} took ${tookMs} ms`)
  if (call.path !== 'count' && call.answer !== undefined && 'error' in call.answer && !isLawfulFailure(call))
    report.break('H11', `${nameOf(call)} failed: ${call.answer.code} ${call.answer.error}`)
}

/** H1, H2 and H10: an acknowledged call has its effects, and a keyed call has them once. */
function checkEffects({ history, report, plan }: World, call: CallRecord, puts: Puts): void {
  const mayRunTwice = plan.struck.some((name) => /^F(10|21|58)\./.test(name))
  const isOnce = call.key !== 'none' || !mayRunTwice
  for (const n of call.path === 'spread' ? [call.n, call.n + 0.25, call.n + 0.5] : [call.n]) {
    const count = puts.get(n)?.length ?? 0
    if (isAcknowledged(call) && count === 0)
      report.break('H1', `${nameOf(call)} was acknowledged, and ${n} is in no log`)
    if (isOnce && count > 1) report.break('H2', `${nameOf(call)}: ${n} is in the log ${count} times`)
  }
  const charges = history.charges.get(call.n) ?? 0
  if (call.path === 'bill' && isOnce && charges > 1)
    report.break('H10', `${nameOf(call)} had its effect ${charges} times`)
  const isRefused = call.answer !== undefined && 'error' in call.answer && call.answer.mayHaveRun === false
  if (call.path === 'bill' && call.key === 'auto' && isRefused && !mayRunTwice && charges > 0)
    report.break('H10', `${nameOf(call)} was refused as not run, and had its effect`)
  if (call.path === 'bill' && isAcknowledged(call) && charges === 0)
    report.break('H10', `${nameOf(call)} was acknowledged without its effect`, 'lost')
}

/** H10: an effect is that of the principal that made the call: elsewhere its key names another mutation. [TL-SIGN-2] */
function checkPayers({ history, report }: World, call: CallRecord): void {
  for (const payer of history.payers.get(call.n) ?? [])
    if (payer !== call.principal) report.break('H10', `${nameOf(call)} of ${call.principal} had its effect as ${payer}`)
}

function checkScripts({ history, report }: World, puts: Puts): void {
  for (const script of history.scripts) {
    const count = puts.get(script.n)?.length ?? 0
    if (script.acknowledged > 0 && count === 0)
      report.break('H1', `a script's ${script.n} was acknowledged and is in no log`)
    if (count > 1 && script.key !== undefined)
      report.break('H10', `a script's ${script.n} is in the log ${count} times`)
  }
}

/** H14: the claim of a key has an end. */
function checkClaims({ table, report, kernel }: World): void {
  for (const key of table.keys) {
    const row = table.keyRow(key)
    if (row?.state === 'RUNNING' && row.lease - kernel.now > longestLeaseMs)
      report.break('H14', `the claim of ${key} has a lease without end`)
  }
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
function checkResponses({ history, report }: World): void {
  const responses = new Map<string, Set<string>>()
  for (const { key, answer, path } of history.calls) {
    if (key === 'auto' || key === 'none' || answer === undefined) continue
    const final = 'data' in answer || answer.code === 'OUTCOME_UNKNOWN' || answer.error.startsWith('refused ')
    if (!final) continue
    const all = responses.get(`${path} ${key}`) ?? new Set()
    responses.set(`${path} ${key}`, all)
    all.add('data' in answer ? JSON.stringify(answer.data) : `${answer.code} ${answer.error}`)
  }
  for (const [key, all] of responses)
    if (all.size > 1) report.break('H10', `${key} got different responses: ${[...all].join(' and ')}`)
}

/**
 * Checks the order: a call that was acknowledged before another was sent precedes it in the log, and so do calls with
 * the same ordering key.
 */
function checkOrder({ history, report }: World, puts: Puts): void {
  const firstSent = new Map<number, number>()
  for (const { n, at } of history.calls) firstSent.set(n, Math.min(at, firstSent.get(n) ?? at))
  const placed = history.calls.flatMap((call) => {
    const where = puts.get(call.n)?.[0]
    return where === undefined || call.path === 'count' ? [] : [{ call, ...where }]
  })
  for (const one of placed) {
    const acknowledgedAt = isAcknowledged(one.call) ? one.call.settledAt : undefined
    for (const other of placed) {
      if (one.topic !== other.topic || one.call.n === other.call.n || one.index < other.index) continue
      const before = acknowledgedAt !== undefined && acknowledgedAt < (firstSent.get(other.call.n) ?? 0)
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
