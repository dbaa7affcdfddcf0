import { defined } from '@trunkline/protocol'
import { hereOf } from '../records/application.ts'
import type { PresenceEvent, PresenceSubscription } from '../records/history.ts'
import type { Committed } from '../records/published-log.ts'
import type { World } from '../world/world.ts'
import { functionsFailed, retriedCodes } from './lawful-errors.ts'

/** The present members, each with the number in its data. */
type Members = ReadonlyMap<string, number>

/** A change in a slot of a presence log. */
interface Change {
  readonly type: 'join' | 'update' | 'leave'
  readonly member: string
  readonly data?: { readonly n: number }
  readonly here: number
}

/** The state of a presence log at one slot: the slot's change, and the members after it. */
interface LogEntry {
  readonly change: Change | undefined
  readonly members: Members
  readonly epoch: string
}

/**
 * Checks H13. The log of each room contains each change once and in order, and no leave of an expected session; each
 * view equals the log; and the log equals the rows, which equal the actual sessions.
 */
export function checkPresence(world: World, rooms: readonly string[]): void {
  for (const room of rooms) {
    const log = checkLog(world, room)
    const own = world.history.presenceSubscriptions.filter((each) => each.room === room)
    for (const record of own) checkPresenceEvents(world, record, log)
    if (own.length > 0) checkHere(world, room, { presenceSubscriptions: own, log: log.at(-1)?.members ?? new Map() })
  }
  checkMarks(world)
}

/** Checks that no member is left after all devices closed and the grace period passed. */
export function checkNobodyLeft(world: World, rooms: readonly string[]): void {
  for (const room of rooms) {
    const log = [...(checkLog(world, room).at(-1)?.members.keys() ?? [])]
    if (log.length > 0) world.report.break('H13', `${room}: ${log.join()} stayed after all had closed`, 'orphaned')
    const rows = [...rowsOf(world, room).keys()]
    if (rows.length > 0)
      world.report.break('H13', `${room}: ${rows.join()} kept a row after all had closed`, 'orphaned')
  }
}

function checkLog(world: World, room: string): readonly LogEntry[] {
  const { report, table, expectations } = world
  const log: LogEntry[] = []
  const ids = new Set<string>()
  for (const committed of table.published.of(hereOf(room))) {
    const { slot, at } = committed
    const before = log.at(-1)
    const members = new Map(before?.epoch === slot.epoch ? before.members : [])
    const change = changeOf(committed)
    log.push({ change, members, epoch: slot.epoch })
    if (change === undefined) continue
    const { type, member, data, here } = change
    const about = `${room} ${slot.epoch}:${slot.offset}: ${type} of ${member}`
    if (ids.has(slot.publishId)) report.break('H13', `${about} is in the log twice`, 'doubled')
    ids.add(slot.publishId)
    if (members.has(member) === (type === 'join'))
      report.break('H13', `${about}, who was ${type === 'join' ? '' : 'not '}here`, 'reordered')
    if (type === 'leave' && expectations.expectsPresent(devicesOf(world, member), room, at))
      report.break('H13', `${about}, whose session is alive: presence flickered`)
    if (type === 'leave') members.delete(member)
    else members.set(member, data?.n ?? Number.NaN)
    if (here !== members.size) report.break('H13', `${about} counts ${here} of ${members.size}`)
  }
  return log
}

function checkPresenceEvents(
  world: World,
  { device, room, events, ended }: PresenceSubscription,
  log: readonly LogEntry[],
): void {
  const { report, table } = world
  let at: number | undefined
  for (const event of events) {
    if (event.kind === 'gap') at = undefined
    if (!('id' in event)) continue
    const about = `${device} in ${room} received ${event.kind} as ${event.id}`
    const index = table.published.indexOf(hereOf(room), event.id)
    const slot = log[index]
    if (slot === undefined) {
      report.break('H13', `${about}, which is not in the log`)
      continue
    }
    if (event.kind === 'here') {
      if (at !== undefined && index < at) report.break('H13', `${about}, before its position`, 'reordered')
      const seen = new Map(Object.entries(event.members))
      if (nameAll(seen) !== nameAll(slot.members))
        report.break('H13', `${about}: ${nameAll(seen)}, and the log says ${nameAll(slot.members)}`)
    } else {
      if (!isSame(event, slot.change)) report.break('H13', `${about}, and the log says ${JSON.stringify(slot.change)}`)
      if (at === undefined) report.break('H13', `${about} before any state`, 'unsignalled')
      else if (index <= at) report.break('H13', `${about} again`, 'doubled')
      else if (log.slice(at + 1, index).some(({ change }) => change !== undefined))
        report.break('H13', `${about} and not the change before it`, 'unsignalled')
    }
    at = Math.max(index, at ?? index)
  }
  if (ended === 'error' && !isLawfulEnd(events.at(-1), world.plan.struck))
    report.break('H15', `${device} in ${room} ended: ${JSON.stringify(events.at(-1))}`, 'other')
  if (ended !== undefined) return
  if (at === undefined) report.break('H15', `${device} in ${room} never received the members`)
  else if (log.slice(at + 1).some(({ change }) => change !== undefined))
    report.break('H13', `${device} in ${room} never received ${log.length - at - 1} of ${log.length}`, 'lost')
}

/**
 * Whether a subscription may have ended: a client ends a subscription, with an error, after five consecutive failures.
 */
function isLawfulEnd(last: PresenceEvent | undefined, struck: readonly string[]): boolean {
  return last?.kind === 'error' && retriedCodes.includes(last.code) && functionsFailed(struck) >= 5
}

/**
 * Checks the members after faults have stopped for a lease and a sync: members that are left over by then are stale.
 */
function checkHere(
  world: World,
  room: string,
  {
    presenceSubscriptions,
    log,
  }: { readonly presenceSubscriptions: readonly PresenceSubscription[]; readonly log: Members },
): void {
  const really = new Set(
    presenceSubscriptions.flatMap(({ member, ended }) => (member && ended === undefined ? [member] : [])),
  )
  // without watchers, the next subscriber removes stale members
  if (presenceSubscriptions.every(({ ended }) => ended !== undefined)) return
  const rows = rowsOf(world, room)
  for (const member of new Set([...really, ...rows.keys(), ...log.keys()])) {
    const about = `${room}: ${member}`
    if (!really.has(member)) world.report.break('H13', `${about} is shown and has no session`, 'orphaned')
    else if (!rows.has(member)) world.report.break('H13', `${about} is present and has no row`, 'lost')
    else if (log.get(member) !== rows.get(member))
      world.report.break('H13', `${about} is ${rows.get(member)} by the row and ${log.get(member)} by the log`)
  }
}

/** Checks that accepted data was shown. */
function checkMarks({ history, table, report }: World): void {
  for (const { room, member, n, answer } of history.marks) {
    if (answer !== true) continue
    const shown = table.published.of(hereOf(room)).map(changeOf)
    const times = shown.filter((change) => change?.member === member && change?.data?.n === n).length
    if (times === 0) report.break('H1', `${room}: ${member} got the response that ${n} is shown, and it never was`)
  }
}

function rowsOf({ table, kernel }: World, room: string): Members {
  const members = new Map<string, number>()
  for (const { member, sessions, said } of allRows(table.operations.readPresences, hereOf(room))) {
    const lives = Object.values(sessions).some(({ lease }) => lease > kernel.now)
    if (lives && said.data !== undefined) members.set(member, (JSON.parse(said.data) as { readonly n: number }).n)
  }
  return members
}

type ReadPresences = World['table']['operations']['readPresences']
function allRows(read: ReadPresences, topic: string, from?: string): ReturnType<ReadPresences>['rows'] {
  const { rows, next } = read(topic, defined({ from }))
  return next === undefined ? rows : [...rows, ...allRows(read, topic, next)]
}

function devicesOf({ history }: World, member: string): ReadonlySet<string> {
  return new Set(history.presenceSubscriptions.flatMap((each) => (each.member === member ? [each.device] : [])))
}

function changeOf({ slot }: Committed): Change | undefined {
  return slot.data === undefined ? undefined : (JSON.parse(slot.data) as Change)
}

function isSame(event: PresenceEvent, change: Change | undefined): boolean {
  if (event.kind !== change?.type || !('member' in event) || event.member !== change.member) return false
  return !('n' in event) || event.n === change.data?.n
}

const nameAll = (members: Members) =>
  [...members]
    .map(([member, n]) => `${member}=${n}`)
    .sort()
    .join(', ')
