import { hereOf } from '../records/application.ts'
import type { PresenceEvent, PresenceSubscription } from '../records/history.ts'
import type { Committed } from '../records/published-log.ts'
import type { World } from '../world/world.ts'
import { functionsFailed, mendable } from './checker.ts'

/** Who is here, each with the number in their data. */
type Members = ReadonlyMap<string, number>

/** A slot of a presence log. */
interface Change {
  readonly type: 'join' | 'update' | 'leave'
  readonly member: string
  readonly data?: { readonly n: number }
  readonly here: number
}

/** What a presence log says, slot by slot: the change that each tells, and who is here after it. */
interface LogEntry {
  readonly change: Change | undefined
  readonly members: Members
  readonly epoch: string
}

/** H13: the log of each room tells each change once, in order and of nobody who is held here; each view is the log; and the log is the rows, which are who is really here. */
export function checkPresence(world: World, rooms: readonly string[]): void {
  for (const room of rooms) {
    const log = checkLog(world, room)
    const own = world.history.presenceSubscriptions.filter((each) => each.room === room)
    for (const record of own) checkPresenceEvents(world, record, log)
    if (own.length > 0) checkHere(world, room, own, log.at(-1)?.members ?? new Map())
  }
  checkMarks(world)
}

/** After every device closed, and the grace: nobody is here. */
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
    if (ids.has(slot.publishId)) report.break('H13', `${about} was said twice`, 'doubled')
    ids.add(slot.publishId)
    if (members.has(member) === (type === 'join'))
      report.break('H13', `${about}, who was ${type === 'join' ? '' : 'not '}here`, 'reordered')
    if (type === 'leave' && expectations.expectsPresent(devicesOf(world, member), room, at))
      report.break('H13', `${about}, whose session the server holds: a flap`)
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
    const about = `${device} in ${room} was told ${event.kind} as ${event.id}`
    const index = table.published.indexOf(hereOf(room), event.id)
    const slot = log[index]
    if (slot === undefined) {
      report.break('H13', `${about}, which nobody put`)
      continue
    }
    if (event.kind === 'here') {
      if (at !== undefined && index < at) report.break('H13', `${about}, behind what it had`, 'reordered')
      const seen = new Map(Object.entries(event.members))
      if (nameAll(seen) !== nameAll(slot.members))
        report.break('H13', `${about}: ${nameAll(seen)}, and the log says ${nameAll(slot.members)}`)
    } else {
      if (!isSame(event, slot.change)) report.break('H13', `${about}, and the log says ${JSON.stringify(slot.change)}`)
      if (at === undefined) report.break('H13', `${about} before any state`, 'unsignalled')
      else if (index <= at) report.break('H13', `${about} again`, 'doubled')
      else if (log.slice(at + 1, index).some(({ change }) => change !== undefined))
        report.break('H13', `${about} and not what came before`, 'unsignalled')
    }
    at = Math.max(index, at ?? index)
  }
  if (ended === 'error' && !isLawfulEnd(events.at(-1), world.plan.struck))
    report.break('H15', `${device} in ${room} ended: ${JSON.stringify(events.at(-1))}`, 'other')
  if (ended !== undefined) return
  if (at === undefined) report.break('H15', `${device} in ${room} was never told who is here`)
  else if (log.slice(at + 1).some(({ change }) => change !== undefined))
    report.break('H13', `${device} in ${room} never saw ${log.length - at - 1} of ${log.length}`, 'lost')
}

/** A client gives up a subscription whose attempts fail five times in a row, and says so. */
function isLawfulEnd(last: PresenceEvent | undefined, struck: readonly string[]): boolean {
  return last?.kind === 'error' && mendable.includes(last.code) && functionsFailed(struck) >= 5
}

/** Faults have stopped for a lease and a sync: what was left over by then was a ghost. */
function checkHere(
  world: World,
  room: string,
  presenceSubscriptions: readonly PresenceSubscription[],
  log: Members,
): void {
  const really = new Set(
    presenceSubscriptions.flatMap(({ member, ended }) => (member && ended === undefined ? [member] : [])),
  )
  if (presenceSubscriptions.every(({ ended }) => ended !== undefined)) return // nobody watches: the next who comes finds it
  const rows = rowsOf(world, room)
  for (const member of new Set([...really, ...rows.keys(), ...log.keys()])) {
    const about = `${room}: ${member}`
    if (!really.has(member)) world.report.break('H13', `${about} is a ghost`, 'orphaned')
    else if (!rows.has(member)) world.report.break('H13', `${about} is here and has no row`, 'lost')
    else if (log.get(member) !== rows.get(member))
      world.report.break('H13', `${about} is ${rows.get(member)} by the row and ${log.get(member)} by the log`)
  }
}

/** Data that was taken was shown. */
function checkMarks({ history, table, report }: World): void {
  for (const { room, member, n, answer } of history.marks) {
    if (answer !== true) continue
    const shown = table.published.of(hereOf(room)).map(changeOf)
    const times = shown.filter((change) => change?.member === member && change?.data?.n === n).length
    if (times === 0) report.break('H1', `${room}: ${member} was told that ${n} is shown, and it never was`)
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
  const { rows, next } = read(topic, from === undefined ? {} : { from })
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
