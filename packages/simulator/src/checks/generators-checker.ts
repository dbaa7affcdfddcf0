import { thrownWords } from '../records/application.ts'
import type { Listening, Word } from '../records/history.ts'
import type { World } from '../world/world.ts'
import { functionsFailed, mendable, stockCodes } from './checker.ts'

/** Checks what each subscription to a generator told its application: H17, and that it goes on where it has not ended. */
export function checkListenings(world: World): void {
  for (const listening of world.history.listenings) {
    const shown = checkValues(world, listening)
    checkEnd(world, listening, shown)
    if (listening.ended === undefined) checkProgress(world, listening)
  }
}

/** The last value that was shown of the run that is shown now, and which run that is. */
interface Shown {
  n: number
  run: number | undefined
}

function checkValues({ report }: World, listening: Listening): Shown {
  const shown: Shown = { n: 0, run: undefined }
  const isTracked = listening.path === 'ticks'
  for (const word of listening.words) {
    if (word.kind === 'gap') {
      if (isTracked && shown.n > 0)
        report.break('H17', `${nameOf(listening)} was told of a gap after value ${shown.n}, which was tracked`)
      Object.assign(shown, { n: 0, run: undefined })
    }
    if (word.kind !== 'value') continue
    const { n, run } = word
    if (!isTracked && shown.run !== undefined && run !== shown.run) {
      // tRPC's own client asks anew after a lost socket, and has no word for it
      if (!listening.isStock)
        report.break('H17', `${nameOf(listening)} was begun again as ${run}.${n}, and not told`, 'unsignalled')
      shown.n = 0
    }
    if (n <= shown.n) report.break('H17', `${nameOf(listening)} was given ${n} after ${shown.n}`, 'doubled')
    if (n > shown.n + 1)
      report.break('H17', `${nameOf(listening)} was given ${n} after ${shown.n}, without a signal`, 'unsignalled')
    Object.assign(shown, { n, run })
  }
  return shown
}

/** What ended by itself was whole; what was lost is said to be. */
function checkEnd(world: World, listening: Listening, { n }: Shown): void {
  const { report } = world
  const { asked, words, ended } = listening
  const last = words.at(-1)
  if (ended === 'done' && (n < asked.last || asked.throws))
    report.break('H17', `${nameOf(listening)} ended after ${n} of ${asked.last}, as though it were whole`, 'lost')
  if (ended !== 'error' || last?.kind !== 'error') return
  if (last.message === thrownWords) {
    if (n < asked.last || !asked.throws)
      report.break('H17', `${nameOf(listening)} threw after ${n} of ${asked.last}`, 'lost')
    return
  }
  if (!isLawfulLoss(world, listening, n, last.code))
    report.break('H15', `${nameOf(listening)} ended: ${JSON.stringify(last)}`, 'other')
}

/** Something was lost, and nothing says where to go on; or its client asked in vain, which one of ours does five times where it may. */
function isLawfulLoss({ plan, kill, workerMs }: World, listening: Listening, n: number, code: string): boolean {
  const isTracked = listening.path === 'ticks' && n > 0
  const livedMs = (listening.words.at(-1)?.at ?? 0) - listening.at
  const isStruck = plan.struck.length > 0 || kill !== undefined
  if (listening.isStock) return (isStruck || (!isTracked && livedMs > workerMs / 2)) && stockCodes.includes(code)
  if (code === 'GENERATOR_LOST') return !isTracked && (isStruck || livedMs > workerMs / 2)
  const failures = functionsFailed(plan.struck) + (kill === undefined ? 0 : 1)
  return mendable.includes(code) && failures >= (isTracked ? 5 : 1)
}

const patienceMs = 60_000 // a cold start, a hand-over and the posts of both, on a slow table

/** Nothing strikes any more: the next value is due, or the end. */
function checkProgress(world: World, listening: Listening): void {
  const { asked, words, at: asking, isStock } = listening
  const { report, kernel } = world
  if (isStock && isSubscribeLost(world, listening)) return
  const at = words.findLast(isProgress)?.at ?? asking
  if (kernel.now - at > 2 * asked.everyMs + patienceMs)
    report.break('H15', `${asked.name} was told nothing for ${kernel.now - at} ms`)
}
/**
 * Whether the function of its subscribe failed on the newest connection of its device, and no run began there.
 * Nobody answers such a subscribe: a stock client waits for the end of the connection. A run on an older connection,
 * which may still be open because it is half-open, says nothing about it.
 */
function isSubscribeLost({ history, gateway }: World, { device, asked: { name } }: Listening): boolean {
  const connections = [...gateway.connections.values()].filter((each) => each.device === device)
  const newest = connections.at(-1)
  if (newest?.state !== 'open' || !newest.failedSubscribes.has(name)) return false
  return !history.runs.some((run) => run.name === name && run.connectionId === newest.connectionId)
}
const isProgress = ({ kind }: Word) => kind !== 'error'

const heardMs = 10_000 // a second, on a slow table

/** Nothing strikes any more: a generator is iterated for somebody who wants it, in one function. */
export function checkRuns({ report, history, gateway, kernel }: World): void {
  const wanted = new Set(history.listenings.flatMap(({ ended, asked }) => (ended === undefined ? [asked.name] : [])))
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

const nameOf = ({ device, path, asked }: Listening) => `${device} ${path} ${asked.name}`
