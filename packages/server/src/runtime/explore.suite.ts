import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { type Store, StoreError } from '../ports/store.ts'
import { type Access, accessOf, anything, areApart } from './subscriptions/store-access.suite.ts'

/**
 * The next step of a schedule: one port call of an operation takes effect (its answer may be lost), time passes, or an
 * operation dies.
 */
interface Step {
  /** The same step has the same name in every schedule that shares its history. */
  readonly name: string
  readonly operation: string
  readonly access: Access
  readonly take: () => Promise<void> | void
  /** Operations that cannot notice it, whatever it touches. */
  readonly unnoticedBy?: readonly string[]
}

/** What counts what a connection has. Its own tests schedule it; elsewhere it would only multiply the schedules. */
export const countOperations: readonly (keyof Store)[] = ['addToCount', 'openUpload', 'closeUpload']

/** The outcome of a port call. `lost`: it took effect, but its caller got no answer. */
type Fate = 'answered' | 'lost'

/** Makes port calls scheduling points. Calls outside of an operation (the creation of a world, a check) run at once. */
export interface Scheduler {
  /** Waits until the schedule runs this call; never resolves for an operation that was killed. */
  at(name: string, access: Access, options?: { readonly mayBeLost?: boolean }): Promise<Fate>
  /**
   * A store whose calls wait for the schedule, except for those that no other operation of the exploration can notice.
   */
  store(store: Store, except?: readonly (keyof Store)[]): Store
}

export interface Exploration<World> {
  /** Creates the same new world each time. */
  readonly world: (scheduler: Scheduler) => Promise<World>
  /** Run concurrently. They start in this order, each up to its first port call. */
  readonly operations: Readonly<Record<string, (world: World) => Promise<unknown>>>
  /** Throws when a law is broken. Called when every operation has ended or was killed. */
  readonly check: (world: World, ended: Ended) => Promise<void> | void
  /** Operations that may be killed, at any of their port calls; at most one in a schedule. */
  readonly kills?: readonly string[]
  /** Operations whose response may be lost after a store call took effect: at most `mostLosses` in a schedule. */
  readonly losses?: readonly string[]
  /** Events of the world, such as time that passes: each happens once, in this order, at any point of the schedule. */
  readonly passes?: Readonly<Record<string, (world: World) => Promise<void> | void>>
  /** Operations that `passes` does not affect, since their times are not read. */
  readonly timeless?: readonly string[]
  /** Moves time on when every operation that lives sleeps. */
  readonly idle?: (world: World) => Promise<void>
  /** Also those interleavings that differ only in the order of calls that cannot notice each other. @default false */
  readonly redundant?: boolean
  /** How many answers may be lost in a schedule. @default 1 */
  readonly mostLosses?: number
  /**
   * Enters each state once. Two states are equal when this text, the answers that each operation got from the store, and
   * what is left to pass are equal. The text has all that operations share: the rows of the table, and the time.
   */
  readonly stateOf?: (world: World) => Promise<string> | string
  /** With `stateOf`: throws when a law is broken. Called in every state, so that each operation may have died there. */
  readonly checkState?: (world: World) => Promise<void> | void
  /** With `stateOf`: the search ends with the schedule that reaches this many states. @default unlimited */
  readonly mostStates?: number
}

/** How a schedule ended. */
export interface Ended {
  readonly killed: string | undefined
  /** The call whose answer was lost. */
  readonly lost: string | undefined
  /** What an operation threw, by its name. */
  readonly thrown: ReadonlyMap<string, unknown>
  readonly returned: ReadonlyMap<string, unknown>
}

export interface Explored {
  readonly schedules: number
  /** With `stateOf`: the states that were entered. */
  readonly states: number
  /** Whether the search ended at `mostStates`. */
  readonly isCut: boolean
  /** The first schedule that broke a law: what it did, and the choices to replay it with. */
  readonly failure?: {
    readonly steps: readonly string[]
    readonly choices: readonly number[]
    readonly thrown: unknown
  }
}

/**
 * One level of the search: which steps could be taken, which one is, and which need not be since a schedule with them
 * in another order was seen.
 */
interface Level {
  readonly names: readonly string[]
  choice: number
  readonly sleeping: Map<string, Step>
}

const longest = 500 // steps; more means that an operation never ends

/**
 * Runs the operations in every interleaving of their port calls, depth first, until one breaks a law. Deterministic.
 */
export async function explore<World>(exploration: Exploration<World>): Promise<Explored> {
  const levels: Level[] = []
  const { mostStates = Number.POSITIVE_INFINITY } = exploration
  const seen = new Set<string>()
  let schedules = 0
  for (;;) {
    const outcome = await runSchedule(exploration, levels, seen)
    if (outcome.complete) schedules += 1
    const reached = { schedules, states: seen.size, isCut: seen.size >= mostStates }
    if (outcome.failure !== undefined) return { ...reached, failure: outcome.failure }
    if (reached.isCut || !advanceChoices(levels)) return reached
  }
}

/** Runs one schedule by its choices and throws what it breaks. */
export async function replay<World>(exploration: Exploration<World>, choices: readonly number[]): Promise<void> {
  const levels = choices.map((choice): Level => ({ names: [], choice, sleeping: new Map() }))
  const { stateOf: _, ...rest } = exploration
  const { failure } = await runSchedule({ ...rest, redundant: true }, levels, new Set())
  if (failure !== undefined) throw failure.thrown
}

/** The next branch of the search: the deepest level that has another step. */
function advanceChoices(levels: Level[]): boolean {
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    level.choice += 1
    skipSleeping(level)
    if (level.choice < level.names.length) return true
    levels.pop()
  }
  return false
}

function skipSleeping(level: Level): void {
  while (level.sleeping.has(level.names[level.choice] ?? '')) level.choice += 1
}

interface Outcome extends Pick<Explored, 'failure'> {
  /** False where every order from some step on was seen already. */
  readonly complete: boolean
}

async function runSchedule<World>(
  exploration: Exploration<World>,
  levels: Level[],
  seen: Set<string>,
): Promise<Outcome> {
  const players = createPlayers(exploration)
  const world = await exploration.world(players.scheduler)
  const passing = createPassing(exploration, world, players.passTime)
  for (const [name, run] of Object.entries(exploration.operations)) players.begin(name, () => run(world))
  const steps: string[] = []
  const choices: number[] = []
  // Sleep sets leave out states that merging would need, so it does without them.
  const redundant = exploration.redundant === true || exploration.stateOf !== undefined
  let sleeping = new Map<string, Step>()
  for (let depth = 0; ; depth++) {
    await nextTurn()
    if (depth > longest) throw new Error(`An operation does not end: ${steps.join(' → ')}`)
    const rest = [players.history(), passing()[0]?.name]
    const entered = choices.length === levels.length ? await enterState(exploration, world, { seen, rest }) : isNew
    if (entered.status !== 'new') return toOutcome(entered, steps, choices)
    const calls = players.calls()
    if (calls.length === 0 && players.ended()) break
    // Deaths first: tried right after the victim's own call, none need be tried again after the calls of others.
    const open = [...players.deaths(), ...calls, ...passing()]
    if (open.every(isKill)) {
      if (exploration.idle === undefined) throw new Error(`Operations wait for nothing: ${steps.join(' → ')}`)
      players.passTime()
      await exploration.idle(world)
      continue
    }
    const level = levels[choices.length] ?? addLevel(levels, open, redundant ? new Map() : sleeping)
    const step = open[level.choice]
    if (step === undefined) return { complete: false } // every order from here on was seen
    choices.push(level.choice)
    steps.push(step.name)
    sleeping = new Map([...level.sleeping].filter(([, other]) => areIndependent(other, step)))
    // what is tried here first need not be tried again below its sisters, unless these can notice it
    if (!redundant) level.sleeping.set(step.name, step)
    await step.take()
  }
  return toOutcome(await judge(() => exploration.check(world, players)), steps, choices)
}

type Judged = { readonly status: 'new' | 'known' } | { readonly status: 'broken'; readonly thrown: unknown }
const isNew: Judged = { status: 'new' }

async function judge(check: () => Promise<void> | void): Promise<Judged> {
  try {
    await check()
    return isNew
  } catch (thrown) {
    return { status: 'broken', thrown }
  }
}

function toOutcome(judged: Judged, steps: readonly string[], choices: readonly number[]): Outcome {
  if (judged.status !== 'broken') return { complete: judged.status === 'new' }
  return { complete: true, failure: { steps, choices, thrown: judged.thrown } }
}

/** Checks a state that was not entered before. `rest` is what of the state the world does not know. */
async function enterState<World>(
  { stateOf, checkState }: Pick<Exploration<World>, 'stateOf' | 'checkState'>,
  world: World,
  { seen, rest }: { readonly seen: Set<string>; readonly rest: readonly unknown[] },
): Promise<Judged> {
  if (stateOf === undefined) return isNew
  const state = digest(JSON.stringify([await stateOf(world), rest]))
  if (seen.has(state)) return { status: 'known' }
  seen.add(state)
  return judge(() => checkState?.(world))
}

function addLevel(levels: Level[], open: readonly Step[], sleeping: Map<string, Step>): Level {
  const level: Level = { names: open.map(({ name }) => name), choice: 0, sleeping }
  skipSleeping(level)
  levels.push(level)
  return level
}

const isKill = ({ name }: Step) => name.startsWith('kill ')
const isLoss = ({ name }: Step) => name.startsWith('lose ')
const digest = (text: string) => createHash('sha1').update(text).digest('base64')
const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve)) // all microtasks have run by then

function areIndependent(one: Step, other: Step): boolean {
  if (one.operation === other.operation || (isKill(one) && isKill(other))) return false
  if (one.unnoticedBy?.includes(other.operation) || other.unnoticedBy?.includes(one.operation)) return true
  if (isLoss(one) && isLoss(other)) return false // either uses up the one loss of a schedule
  return areApart(one.access, other.access)
}

// One for all schedules: each that was ever entered makes every promise of the process dearer.
const current = new AsyncLocalStorage<string>()

/** The next thing to pass, if any is left. */
function createPassing<World>(
  { passes = {}, timeless = [] }: Pick<Exploration<World>, 'passes' | 'timeless'>,
  world: World,
  onPass: () => void,
): () => readonly Step[] {
  const left = Object.entries(passes)
  return () =>
    left.slice(0, 1).map(([name, pass]) => ({
      name,
      operation: 'time',
      access: anything,
      unnoticedBy: timeless,
      take: () => {
        left.shift()
        onPass()
        return pass(world)
      },
    }))
}

/** The operations of one schedule and what each of them waits for. */
function createPlayers({
  kills = [],
  losses = [],
  mostLosses = 1,
}: Pick<Exploration<unknown>, 'kills' | 'losses' | 'mostLosses'>) {
  const waiting = new Map<string, readonly Step[]>()
  const calls = new Map<string, number>()
  const running = new Set<string>()
  const thrown = new Map<string, unknown>()
  const returned = new Map<string, unknown>()
  let killed: string | undefined
  let lost: string | undefined
  let lossesLeft = mostLosses
  let times = 0
  /** What each operation was answered so far, as a digest. */
  const answers = new Map<string, string>()

  const kill = (operation: string): Step => ({
    name: `kill ${operation}`,
    operation,
    access: { rows: [], writes: false },
    take: () => {
      killed = operation
      running.delete(operation)
      for (const [name, [step]] of waiting) if (step?.operation === operation) waiting.delete(name)
    },
  })
  const at: Scheduler['at'] = (call, access, { mayBeLost = false } = {}) => {
    const operation = current.getStore()
    if (operation === undefined) return Promise.resolve('answered')
    const count = (calls.get(operation) ?? 0) + 1
    calls.set(operation, count)
    return new Promise((resolve) => {
      if (operation === killed) return
      const name = `${operation}.${count} ${call}`
      const take = (fate: Fate) => () => {
        waiting.delete(name)
        if (fate === 'lost') {
          lost = name
          lossesLeft -= 1
        }
        resolve(fate)
      }
      const step = { name, operation, access, take: take('answered') }
      const loss = { ...step, name: `lose ${name}`, take: take('lost') }
      waiting.set(name, mayBeLost && losses.includes(operation) ? [step, loss] : [step])
    })
  }
  const record = (operation: string, answer: string) =>
    void answers.set(operation, digest(`${answers.get(operation)} ${times} ${answer}`))
  return {
    get killed() {
      return killed
    },
    get lost() {
      return lost
    },
    thrown,
    returned,
    /** An operation may have read the time since its last answer, and it reads another time from now on. */
    passTime: () => {
      times += 1
    },
    scheduler: { at, store: (store, except = []) => scheduled(store, { at, record }, except) } satisfies Scheduler,
    /** The state of all operations: what each was answered, waits for, and ended with. */
    history: () =>
      JSON.stringify([[...answers].sort(), [...waiting.keys()].sort(), [...running].sort(), killed, lossesLeft]),
    begin(operation: string, run: () => Promise<unknown>) {
      running.add(operation)
      const settle = (results: Map<string, unknown>) => (value: unknown) => {
        if (operation === killed) return // a deadline may still wake a killed operation, which has no effect
        running.delete(operation)
        results.set(operation, value)
      }
      void current.run(operation, run).then(settle(returned), settle(thrown))
    },
    ended: () => running.size === 0,
    /** Calls that wait for the schedule, including those of an operation that continued without their response. */
    calls: (): readonly Step[] => [...waiting.values()].flat().filter((step) => lossesLeft > 0 || !isLoss(step)),
    deaths: (): readonly Step[] =>
      killed === undefined ? kills.filter((operation) => running.has(operation)).map(kill) : [],
  }
}

/** Maps and sets are no JSON. */
function textOf(value: unknown): string {
  const plain = (_: string, each: unknown) => (each instanceof Map || each instanceof Set ? [...each] : each)
  return JSON.stringify(value, plain) ?? 'undefined'
}

interface Recording extends Pick<Scheduler, 'at'> {
  record(operation: string, answer: string): void
}

function scheduled(store: Store, { at, record }: Recording, except: readonly (keyof Store)[]): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function' || typeof name !== 'string' || except.includes(name as keyof Store))
        return member
      return async (...args: readonly unknown[]) => {
        const fate = await at(name, accessOf(name as keyof Store, args), { mayBeLost: true })
        const answer = (await Reflect.apply(member, target, args)) as unknown
        record(current.getStore() ?? '', `${name} ${fate} ${fate === 'lost' ? '' : textOf(answer)}`)
        if (fate === 'answered') return answer
        throw new StoreError(name as keyof Store, true, { cause: new Error('The answer was lost.') })
      }
    },
  })
}
