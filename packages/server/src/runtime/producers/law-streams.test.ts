import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Slot } from '../../ports/log.ts'
import { type StreamScope, searchOf } from './law-streams.suite.ts'
import { describeScopes, print, printSearches } from './stream-scopes.suite.ts'
import { search } from './stream-search.suite.ts'

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

printSearches()
describeScopes('close')
describeScopes('restart')

async function catches(mutant: string, scope: Partial<StreamScope>, because: RegExp): Promise<void> {
  const standard = { onLost: 'continue', chunks: 3, workers: 2, stops: true, losses: 1 } as const
  const found = await search(searchOf({ ...standard, ...scope, mostStates: 200_000, spreads: true }))
  print(found, `until a mutant is killed: ${mutant} (${String(found.failure?.flaw).split(':')[0]})`)
  expect(found.failure?.flaw, `${mutant} goes unnoticed`).toMatch(because)
}

/** Lets writes of a kind through whatever the state is. */
const allow =
  (kind: 'chunks' | 'close'): NonNullable<typeof broken.by> =>
  (lawful) =>
  (evidence, write, law) => {
    const { state } = evidence
    const known = lawful(evidence, write, law)
    if (known !== undefined || state === undefined || write.kind !== kind) return known
    if (write.kind === 'chunks') return { ...state, n: state.n + write.count }
    return write.kind === 'close' ? { ...state, at: 'closed', outcome: write.outcome } : known
  }

/** The ten mutants of the law: in one start, two workers, a stop, three chunks and a lost answer. */
describe('[PROOF-STREAM] a broken law is noticed', () => {
  test('no fence: a producer puts chunks whatever the state is', async () => {
    broken.by = allow('chunks')
    await catches('no fence', {}, /behind the close|of a producer that was succeeded|behind a stop/)
  })
  test('close without fence: a producer closes whatever the state is', async () => {
    broken.by = allow('close')
    await catches('close without fence', {}, /behind the close/)
  })
  test('id-less retry: a repeated put does not know its own slot', () =>
    catches(
      'id-less retry',
      {
        mutant: {
          instead: ({ operation, args }, { table, answers }) => {
            const sent = args[1] as Slot | undefined
            if (operation !== 'putSlot' || sent?.data === undefined) return undefined
            const renamed = answers.map((answer) => {
              const { slot } = answer.value as { readonly slot?: Slot }
              if (slot?.publishId !== sent.publishId) return answer
              return { key: `other ${answer.key}`, value: { status: 'taken', slot: { ...slot, publishId: 'x' } } }
            })
            return { table, answers: renamed }
          },
        },
      },
      /is in the log twice|doubled/,
    ))
  test('batch grown between put and retry: the log has less than the retry', () =>
    catches(
      'batch grown between put and retry',
      {
        mutant: {
          instead: ({ operation, args }, { table, answers, before }) => {
            const sent = args[1] as Slot | undefined
            const chunks = JSON.parse(sent?.data ?? '[]') as string[]
            if (operation !== 'putSlot' || chunks.length < 2 || table === before) return undefined
            const state = JSON.parse(sent?.state ?? '{}') as { readonly n: number }
            const first = { data: JSON.stringify(chunks.slice(0, 1)) }
            const less = { ...first, state: JSON.stringify({ ...state, n: state.n - chunks.length + 1 }) }
            return { table, answers, whenLost: before.with({ ...(sent as Slot), ...less }) }
          },
        },
      },
      /doubled or missing|counts other|without all chunks/,
    ))
  test('stop only in a row: a stop resolves and the log has no close', () =>
    catches(
      'stop only in a row',
      {
        mutant: {
          instead: ({ operation }, { name, before }) =>
            name === 'stop' && operation === 'putSlot'
              ? { table: before, answers: [{ key: 'put', value: { status: 'put' } }] }
              : undefined,
        },
      },
      /behind a stop/,
    ))
  test('`produced` as read: a producer continues after what was there before its claim', () =>
    catches('`produced` as read', { mutant: { producedAsRead: true } }, /doubled or missing/))
  test('restart without `anew`', async () => {
    broken.by = (lawful) => (evidence, write, law) => {
      const { anew: _, ...state } = lawful(evidence, write, law) ?? {}
      return 'at' in state ? (state as ReturnType<Lawful>) : undefined
    }
    await catches('restart without anew', { onLost: 'restart' }, /doubled or missing/)
  })
  test('claim named after the job', () =>
    catches('claim named after the job', { onLost: 'close', mutant: { claimsAlike: true } }, /produced twice/))
  test('claim although `close`', async () => {
    broken.ignoresClose = true
    broken.by = (lawful) => (evidence, write, law) => lawful(evidence, write, { ...law, onLost: 'continue' })
    await catches('claim although close', { onLost: 'close' }, /produced twice/)
  })
  test('cursor without place in the batch: a reader that was cut sends the id of the slot', () =>
    catches(
      'cursor without place in the batch',
      { mutant: { cursorOf: (id) => id.replace(/\.\d+$/, '') } },
      /after .* gets \[\]/,
    ))
})
