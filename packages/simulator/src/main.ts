import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { runMutants } from './mutants/mutant-runs.ts'
import { sweepCrashes } from './schedules/crash-sweep.ts'
import { type Outcome, runSchedule } from './schedules/schedule.ts'
import { replayCommand, shrink } from './schedules/shrink.ts'
import { addOutcome, addTotals, createTotals, formatTotals, type Totals } from './schedules/totals.ts'
import { mayMove, rotation, type WorkloadName, workloadNames, workloads } from './schedules/workloads/workloads.ts'
import type { TransportChoice } from './world/devices/device.ts'

/** The share of one thread: the schedules whose index is `part` modulo `parts`. */
interface Share {
  readonly from: number
  readonly count: number
  readonly part: number
  readonly parts: number
  readonly workload: WorkloadName | undefined
  readonly transport: TransportChoice | undefined
  /** Stops after this many failures. */
  readonly failures: number
}

/** A schedule of a share. */
interface Chosen {
  readonly seed: number
  readonly workload: WorkloadName
  readonly transport: TransportChoice | undefined
}

/** A failed schedule, reduced to its smallest form. */
interface Failure {
  readonly workload: WorkloadName
  readonly seed: number
  readonly text: string
  readonly command: string
}
interface ShareResult {
  readonly totals: Totals
  readonly failures: readonly Failure[]
}

const yieldToEventLoop = () => new Promise<void>((resolve) => void setImmediate(resolve))

/** Runs a thread's share of the schedules. */
async function runShare({
  from,
  count,
  part,
  parts,
  workload,
  transport,
  failures: most,
}: Share): Promise<ShareResult> {
  const totals = createTotals()
  const failures: Failure[] = []
  const names = transport === undefined ? rotation : rotation.filter((name) => mayMove(workloads[name]))
  Error.stackTraceLimit = 0 // stacks cost time, and a replay of a failure prints its own
  for (let index = part; index < count && failures.length < most; index += parts) {
    const seed = from + index
    const chosen = workload ?? (names[index % names.length] as WorkloadName)
    const started = performance.now()
    const outcome = await runSchedule({ seed, workload: chosen, transport })
    addOutcome(totals, outcome, { workload: chosen, ms: performance.now() - started })
    if (outcome.violations.length > 0)
      failures.push(await toFailure({ seed, workload: chosen, transport }, outcome, failures.length < 3))
    await yieldToEventLoop()
  }
  return { totals, failures }
}

async function toFailure(options: Chosen, outcome: Outcome, isShrunk: boolean): Promise<Failure> {
  const smallest = isShrunk ? await shrink(options, outcome) : outcome
  const [first] = smallest.violations
  return {
    workload: options.workload,
    seed: outcome.seed,
    text: `${first?.rule} ${first?.text}`,
    command: replayCommand(options, smallest),
  }
}

async function runAll(options: Omit<Share, 'part' | 'parts'>, threads: number): Promise<ShareResult> {
  const results = await Promise.all(
    Array.from({ length: threads }, (_, part) => {
      const share: Share = { ...options, part, parts: threads }
      return inThread(share)
    }),
  )
  const totals = createTotals()
  for (const result of results) addTotals(totals, result.totals)
  return { totals, failures: results.flatMap(({ failures }) => failures) }
}

function inThread(share: Share): Promise<ShareResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { share },
      resourceLimits: { maxYoungGenerationSizeMb: 192 }, // what a schedule allocates is mostly garbage when it is full
    })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

const print = (text: string) => void process.stdout.write(`${text}\n`)

async function replay(text: string, { workload, transport }: Omit<Chosen, 'seed'>, isTraced: boolean): Promise<number> {
  const [seed, strikes] = text.split(':')
  const only = strikes === undefined ? undefined : strikes.split(',').filter((name) => name !== '')
  const outcome = await runSchedule({
    seed: Number(seed),
    workload,
    transport,
    only,
    ...(isTraced && { trace: print }),
  })
  for (const { rule, text } of outcome.violations) print(`${rule} ${text}`)
  print(`history ${outcome.hash}, ${outcome.events} events, ${outcome.struck.length} faults`)
  return outcome.violations.length > 0 ? 1 : 0
}

async function sweep(): Promise<number> {
  const { kills, failed } = await sweepCrashes(yieldToEventLoop)
  for (const { handler, kill, outcome } of failed)
    print(
      `${handler} #${kill.invocation} killed ${kill.side} call ${kill.call}: ${outcome.violations[0]?.rule} ${outcome.violations[0]?.text}`,
    )
  print(`crash sweep: ${kills} kills, ${failed.length} failed`)
  return failed.length > 0 ? 1 : 0
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      workload: { type: 'string' },
      transport: { type: 'string' },
      replay: { type: 'string' },
      trace: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      mutant: { type: 'string' },
      sweep: { type: 'boolean', default: false },
      threads: { type: 'string', default: String(availableParallelism()) },
      'stop-after': { type: 'string', default: '20' },
    },
  })
  const workload = toWorkload(values.workload)
  const transport = toTransport(values.transport)
  if (transport !== undefined && workload !== undefined && !mayMove(workloads[workload]))
    throw new Error(`Expected a workload whose devices may use HTTP, got ${workload}. Leave --transport out.`)
  if (values.replay !== undefined)
    return replay(values.replay, { workload: workload ?? 'chat', transport }, values.trace)
  if (values.sweep) return sweep()
  if (values.mutants)
    return runMutants({ schedules: Number(values.schedules), seed: Number(values.seed), only: values.mutant, print })
  const started = performance.now()
  const options = {
    from: Number(values.seed),
    count: Number(values.schedules),
    workload,
    transport,
    failures: Number(values['stop-after']),
  }
  const threads = Number(values.threads)
  const { totals, failures } = await runAll(options, threads)
  for (const { workload, seed, text, command } of failures.slice(0, 10))
    print(`${workload} ${seed}: ${text}\n  ${command}`)
  print(formatTotals(totals, { seconds: (performance.now() - started) / 1_000, threads }))
  return failures.length > 0 ? 1 : 0
}

function toWorkload(name: string | undefined): WorkloadName | undefined {
  if (name === undefined || workloadNames.includes(name as WorkloadName)) return name as WorkloadName | undefined
  throw new Error(`Expected --workload to be one of ${workloadNames.join(', ')}, got ${name}.`)
}

const transports: readonly TransportChoice[] = ['socket', 'http', 'both']
function toTransport(name: string | undefined): TransportChoice | undefined {
  const known = transports.find((each) => each === name)
  if (known === undefined && name !== undefined)
    throw new Error(`Expected --transport to be one of ${transports.join(', ')}, got ${name}.`)
  return known
}

if (isMainThread) process.exitCode = await main()
else parentPort?.postMessage(await runShare((workerData as { readonly share: Share }).share))
