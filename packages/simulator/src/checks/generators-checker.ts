import { thrownMessage } from '../records/application.ts'
import type { GeneratorEvent, GeneratorSubscription } from '../records/history.ts'
import type { World } from '../world/world.ts'
import { functionsFailed, retriedCodes, stockCodes } from './lawful-errors.ts'

/** Checks what each generator subscription's application received: H17, and that active generators make progress. */
export function checkGenerators(world: World): void {
  for (const record of world.history.generatorSubscriptions) {
    const shown = checkValues(world, record)
    checkEnd(world, record, shown)
    if (record.ended === undefined) checkProgress(world, record)
  }
}

/** The last value that was received of the current run, and the number of that run. */
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
        report.break('H17', `${nameOf(record)} received a gap after value ${shown.n}, which was tracked`)
      Object.assign(shown, { n: 0, run: undefined })
    }
    if (event.kind !== 'value') continue
    const { n, run } = event
    if (!isTracked && shown.run !== undefined && run !== shown.run) {
      // tRPC's own client subscribes again after a lost socket, without a signal
      if (!record.isStock)
        report.break('H17', `${nameOf(record)} was restarted as ${run}.${n} without a signal`, 'unsignalled')
      shown.n = 0
    }
    if (n <= shown.n) report.break('H17', `${nameOf(record)} received ${n} after ${shown.n}`, 'doubled')
    if (n > shown.n + 1)
      report.break('H17', `${nameOf(record)} received ${n} after ${shown.n} without a signal`, 'unsignalled')
    Object.assign(shown, { n, run })
  }
  return shown
}

/** Checks the end: a normal end is complete, and a loss is reported. */
function checkEnd(world: World, record: GeneratorSubscription, { n }: Shown): void {
  const { report } = world
  const { input, events, ended } = record
  const last = events.at(-1)
  if (ended === 'done' && (n < input.last || input.throws))
    report.break('H17', `${nameOf(record)} ended after ${n} of ${input.last} without an error`, 'lost')
  if (ended !== 'error' || last?.kind !== 'error') return
  if (last.message === thrownMessage) {
    if (n < input.last || !input.throws)
      report.break('H17', `${nameOf(record)} threw after ${n} of ${input.last}`, 'lost')
    return
  }
  if (!isLawfulLoss(world, record, { n, code: last.code }))
    report.break('H15', `${nameOf(record)} ended: ${JSON.stringify(last)}`, 'other')
}

/**
 * Whether a subscription may have ended with a loss: values were lost and there is no cursor to resume from, or the
 * client's attempts failed. Our client makes five attempts where it may.
 */
function isLawfulLoss(
  { plan, kill, workerMs }: World,
  record: GeneratorSubscription,
  { n, code }: { readonly n: number; readonly code: string },
): boolean {
  const isTracked = record.path === 'ticks' && n > 0
  const livedMs = (record.events.at(-1)?.at ?? 0) - record.at
  const isStruck = plan.struck.length > 0 || kill !== undefined
  if (record.isStock) return (isStruck || (!isTracked && livedMs > workerMs / 2)) && stockCodes.includes(code)
  if (code === 'GENERATOR_LOST') return !isTracked && (isStruck || livedMs > workerMs / 2)
  const failures = functionsFailed(plan.struck) + (kill === undefined ? 0 : 1)
  return retriedCodes.includes(code) && failures >= (isTracked ? 5 : 1)
}

const patienceMs = 60_000 // the time for a cold start, a hand-over and their posts, on a slow table

/** After faults have stopped, checks that the next value or the end is not overdue. */
function checkProgress(world: World, record: GeneratorSubscription): void {
  const { input, events, at: subscribedAt, isStock } = record
  const { report, kernel } = world
  if (isStock && isSubscribeLost(world, record)) return
  const at = events.findLast(isProgress)?.at ?? subscribedAt
  if (kernel.now - at > 2 * input.everyMs + patienceMs)
    report.break('H15', `${input.name} received nothing for ${kernel.now - at} ms`)
}
/**
 * Whether the function of its subscribe failed on the newest connection of its device, and no run started there. Such a
 * subscribe gets no response: a stock client waits for the end of the connection. A run on an older connection, which
 * may still be open because it is half-open, is irrelevant.
 */
function isSubscribeLost({ history, gateway }: World, { device, input: { name } }: GeneratorSubscription): boolean {
  const connections = [...gateway.connections.values()].filter((each) => each.device === device)
  const newest = connections.at(-1)
  if (newest?.state !== 'open' || !newest.failedSubscribes.has(name)) return false
  return !history.runs.some((run) => run.name === name && run.connectionId === newest.connectionId)
}
const isProgress = ({ kind }: GeneratorEvent) => kind !== 'error'

const noticeMs = 10_000 // about a second of work, on a slow table

/** After faults have stopped, checks that each iterated generator has a subscription and runs in one function only. */
export function checkRuns({ report, history, gateway, kernel }: World): void {
  const liveNames = new Set(
    history.generatorSubscriptions.flatMap(({ ended, input }) => (ended === undefined ? [input.name] : [])),
  )
  const seen = new Set<string>()
  for (const { isOpen, isAlive, name, number, connectionId = '' } of history.runs) {
    if (!isOpen || !isAlive()) continue
    const about = `run ${number} of ${name}`
    const connection = gateway.connections.get(connectionId)
    if (connection?.state !== 'open') {
      if (kernel.now - (connection?.closedAt ?? 0) > noticeMs)
        report.break('H14', `${about} continues, and its connection is closed`)
      continue
    }
    if (connection.isMute) continue // half-open: no stop is transmitted, and the gateway needs 10 min to notice
    if (!liveNames.has(name)) report.break('H14', `${about} continues, and its subscription has ended`)
    if (seen.has(`${connectionId} ${name}`)) report.break('H14', `${about} continues while another run does`)
    seen.add(`${connectionId} ${name}`)
  }
}

const nameOf = ({ device, path, input }: GeneratorSubscription) => `${device} ${path} ${input.name}`
