import { thrownWords } from '../records/application.ts'
import type { GeneratorEvent, GeneratorSubscription } from '../records/history.ts'
import type { World } from '../world/world.ts'
import { functionsFailed, mendable, stockCodes } from './checker.ts'

/** Checks what each subscription to a generator told its application: H17, and that it goes on where it has not ended. */
export function checkGenerators(world: World): void {
  for (const record of world.history.generatorSubscriptions) {
    const shown = checkValues(world, record)
    checkEnd(world, record, shown)
    if (record.ended === undefined) checkProgress(world, record)
  }
}

/** The last value that was shown of the run that is shown now, and which run that is. */
interface Shown {
  n: number
  run: number | undefined
}

function checkValues({ report }: World, record: GeneratorSubscription): Shown {
  const shown: Shown = { n: 0, run: undefined }
  const isTracked = record.path === 'ticks'
  for (const event of record.events) {
    if (event.kind === 'gap') {
      if (isTracked && shown.n > 0)
        report.break('H17', `${nameOf(record)} was told of a gap after value ${shown.n}, which was tracked`)
      Object.assign(shown, { n: 0, run: undefined })
    }
    if (event.kind !== 'value') continue
    const { n, run } = event
    if (!isTracked && shown.run !== undefined && run !== shown.run) {
      // tRPC's own client asks anew after a lost socket, and has no event for it
      if (!record.isStock)
        report.break('H17', `${nameOf(record)} was begun again as ${run}.${n}, and not told`, 'unsignalled')
      shown.n = 0
    }
    if (n <= shown.n) report.break('H17', `${nameOf(record)} was given ${n} after ${shown.n}`, 'doubled')
    if (n > shown.n + 1)
      report.break('H17', `${nameOf(record)} was given ${n} after ${shown.n}, without a signal`, 'unsignalled')
    Object.assign(shown, { n, run })
  }
  return shown
}

/** What ended by itself was whole; what was lost is said to be. */
function checkEnd(world: World, record: GeneratorSubscription, { n }: Shown): void {
  const { report } = world
  const { input, events, ended } = record
  const last = events.at(-1)
  if (ended === 'done' && (n < input.last || input.throws))
    report.break('H17', `${nameOf(record)} ended after ${n} of ${input.last}, as though it were whole`, 'lost')
  if (ended !== 'error' || last?.kind !== 'error') return
  if (last.message === thrownWords) {
    if (n < input.last || !input.throws)
      report.break('H17', `${nameOf(record)} threw after ${n} of ${input.last}`, 'lost')
    return
  }
  if (!isLawfulLoss(world, record, n, last.code))
    report.break('H15', `${nameOf(record)} ended: ${JSON.stringify(last)}`, 'other')
}

/** Something was lost, and nothing says where to go on; or its client input in vain, which one of ours does five times where it may. */
function isLawfulLoss(
  { plan, kill, workerMs }: World,
  record: GeneratorSubscription,
  n: number,
  code: string,
): boolean {
  const isTracked = record.path === 'ticks' && n > 0
  const livedMs = (record.events.at(-1)?.at ?? 0) - record.at
  const isStruck = plan.struck.length > 0 || kill !== undefined
  if (record.isStock) return (isStruck || (!isTracked && livedMs > workerMs / 2)) && stockCodes.includes(code)
  if (code === 'GENERATOR_LOST') return !isTracked && (isStruck || livedMs > workerMs / 2)
  const failures = functionsFailed(plan.struck) + (kill === undefined ? 0 : 1)
  return mendable.includes(code) && failures >= (isTracked ? 5 : 1)
}

const patienceMs = 60_000 // a cold start, a hand-over and the posts of both, on a slow table

/** Nothing strikes any more: the next value is due, or the end. */
function checkProgress(world: World, record: GeneratorSubscription): void {
  const { input, events, at: subscribedAt, isStock } = record
  const { report, kernel } = world
  if (isStock && isSubscribeLost(world, record)) return
  const at = events.findLast(isProgress)?.at ?? subscribedAt
  if (kernel.now - at > 2 * input.everyMs + patienceMs)
    report.break('H15', `${input.name} was told nothing for ${kernel.now - at} ms`)
}
/**
 * Whether the function of its subscribe failed on the newest connection of its device, and no run began there.
 * Nobody answers such a subscribe: a stock client waits for the end of the connection. A run on an older connection,
 * which may still be open because it is half-open, says nothing about it.
 */
function isSubscribeLost({ history, gateway }: World, { device, input: { name } }: GeneratorSubscription): boolean {
  const connections = [...gateway.connections.values()].filter((each) => each.device === device)
  const newest = connections.at(-1)
  if (newest?.state !== 'open' || !newest.failedSubscribes.has(name)) return false
  return !history.runs.some((run) => run.name === name && run.connectionId === newest.connectionId)
}
const isProgress = ({ kind }: GeneratorEvent) => kind !== 'error'

const heardMs = 10_000 // a second, on a slow table

/** Nothing strikes any more: a generator is iterated for somebody who wants it, in one function. */
export function checkRuns({ report, history, gateway, kernel }: World): void {
  const wanted = new Set(
    history.generatorSubscriptions.flatMap(({ ended, input }) => (ended === undefined ? [input.name] : [])),
  )
  const seen = new Set<string>()
  for (const { isOpen, isAlive, name, number, connectionId = '' } of history.runs) {
    if (!isOpen || !isAlive()) continue
    const about = `run ${number} of ${name}`
    const connection = gateway.connections.get(connectionId)
    if (connection?.state !== 'open') {
      if (kernel.now - (connection?.closedAt ?? 0) > heardMs)
        report.break('H14', `${about} goes on, and its connection is closed`)
      continue
    }
    if (connection.mute) continue // half-open: no stop comes through, and the gateway has its 10 min to notice
    if (!wanted.has(name)) report.break('H14', `${about} goes on, and its subscription has ended`)
    if (seen.has(`${connectionId} ${name}`)) report.break('H14', `${about} goes on beside another`)
    seen.add(`${connectionId} ${name}`)
  }
}

const nameOf = ({ device, path, input }: GeneratorSubscription) => `${device} ${path} ${input.name}`
