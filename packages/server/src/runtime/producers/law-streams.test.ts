import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { explore } from '../explore.suite.ts'
import { type StreamScope, scopeOf } from './law-streams.suite.ts'

type Lawful = typeof import('../streams/state.ts')['stateAfter']

/** Breaks the law on purpose: gets what a write asks for, and what is lawful. */
const broken = vi.hoisted(() => ({
  by: undefined as ((lawful: Lawful) => Lawful) | undefined,
  /** Ignores that a stream closes when it is lost. */
  ignoresClose: false,
}))
vi.mock('../streams/state.ts', async (original) => {
  const real = await original<typeof import('../streams/state.ts')>()
  const judge: typeof real.judge = (evidence, law) =>
    real.judge(evidence, broken.ignoresClose ? { onLost: 'continue' } : law)
  return {
    ...real,
    judge,
    stateAfter: ((...args) => (broken.by?.(real.stateAfter) ?? real.stateAfter)(...args)) as Lawful,
  }
})
afterEach(() => {
  broken.by = undefined
  broken.ignoresClose = false
})
vi.setConfig({ testTimeout: 3_600_000 }) // each schedule is a line of its own: slow where others use the machine

/** How many states each scope may enter; a long run sets more. */
const mostStates = Number(process.env['TRUNKLINE_STREAM_STATES'] ?? 100)

const rows: string[] = []
afterAll(() => console.log(`\n${['[LAW-STREAM]: states, schedules', ...rows].join('\n')}`))
const row = (states: number, schedules: number, what: string) =>
  rows.push(`${String(states).padStart(8)} ${String(schedules).padStart(8)}  ${what}`)

async function holds(what: string, scope: StreamScope): Promise<void> {
  const { states, schedules, isCut, failure } = await explore({ ...scopeOf(scope), mostStates })
  row(states, schedules, `${what}, ${scope.onLost}${isCut ? ` (cut at ${mostStates})` : ''}`)
  if (failure !== undefined) throw new Error(failure.steps.join(' → '), { cause: failure.thrown })
}

async function catches(mutant: string, scope: StreamScope, because: RegExp): Promise<void> {
  const { states, schedules, failure } = await explore({ ...scopeOf(scope), mostStates: 20_000 })
  row(states, schedules, `until the mutant is caught: ${mutant} (${String(failure?.thrown).split(':')[1]})`)
  expect(failure, `${mutant} goes unnoticed`).toBeDefined()
  expect(String(failure?.thrown)).toMatch(because)
}

describe.each(['close', 'restart', 'continue'] as const)('[LAW-STREAM] [LAW-STREAM-SETTLE] onLost: %s', (onLost) => {
  const scope = { onLost, chunks: 2 }
  test('A: two starts, two workers, a stop, a slot without a state, a hand-over and a lost answer', () =>
    holds('A', { ...scope, starts: 2, workers: 2, stops: true, birth: true, handsOver: true, losses: 1 }))
  test('B: three workers, a stop and a lost answer', () => holds('B', { ...scope, workers: 3, stops: true, losses: 1 }))
  test('E: two workers, a stop, a hand-over and two lost answers', () =>
    holds('E', { ...scope, workers: 2, stops: true, handsOver: true, losses: 2 }))
})

describe('[PROOF-STREAM] a broken law is noticed', () => {
  const scope = { onLost: 'continue', chunks: 2, workers: 2 } as const
  const allow =
    (kind: 'chunks' | 'close' | 'claim'): NonNullable<typeof broken.by> =>
    (lawful) =>
    (evidence, write, law) => {
      const { state } = evidence
      const known = lawful(evidence, write, law)
      if (known !== undefined || state === undefined || write.kind !== kind) return known
      if (write.kind === 'chunks') return { ...state, n: state.n + write.count }
      if (write.kind === 'close') return { ...state, at: 'closed', outcome: write.outcome }
      return { ...state, at: 'running', e: state.e + 1, by: write.kind === 'claim' ? write.by : '' }
    }
  test('a producer puts chunks whatever the state is', async () => {
    broken.by = allow('chunks')
    await catches('no fence', { ...scope, stops: true, workers: 1 }, /behind the close/)
  })
  test('a producer closes whatever the state is', async () => {
    broken.by = allow('close')
    await catches('a close without fence', { ...scope, stops: true, workers: 1 }, /behind the close/)
  })
  test('a stream that closes when it is lost is claimed again', async () => {
    broken.ignoresClose = true
    broken.by = (lawful) => (evidence, write, law) => lawful(evidence, write, { ...law, onLost: 'continue' })
    await catches('claimed although it closes', { ...scope, onLost: 'close' }, /produced twice/)
  })
  test('a restart is not marked anew', async () => {
    broken.by = (lawful) => (evidence, write, law) => {
      const { anew: _, ...state } = lawful(evidence, write, law) ?? {}
      return 'at' in state ? (state as ReturnType<Lawful>) : undefined
    }
    await catches('restart without anew', { ...scope, onLost: 'restart' }, /doubled or missing|counts other/)
  })
  test('a claim is named after its job', () =>
    catches(
      'claims that are named alike',
      { ...scope, onLost: 'close', claimsAlike: true, losses: 1 },
      /produced twice|doubled/,
    ))
  test('a repeated put does not know its own slot', () =>
    catches(
      'a retry without an id',
      {
        ...scope,
        workers: 1,
        losses: 1,
        mutant: (store) => ({
          async putSlot(topic, slot) {
            const outcome = await store.putSlot(topic, slot)
            if (outcome.status === 'put' || slot.data === undefined) return outcome
            return { ...outcome, slot: { ...outcome.slot, publishId: 'x' } }
          },
        }),
      },
      /doubled|stands twice/,
    ))
})
