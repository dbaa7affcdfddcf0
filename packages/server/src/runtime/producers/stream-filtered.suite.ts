import type { PipeStep } from '../../define/subscription.ts'
import type { Result } from '../encoding/encode.ts'
import { coveringResult } from '../recipients/filtered-result.ts'
import { runAlone } from './stream-points.suite.ts'
import { type Program, topic } from './stream-process.suite.ts'
import type { Make } from './stream-recovery.suite.ts'
import type { Table } from './stream-table.suite.ts'

const numberOf = (chunk: string) => Number(chunk.split('/')[0])
const isKept = (chunk: string) => numberOf(chunk) % 2 === 0
const pipe: readonly PipeStep[] = [{ kind: 'filter', keep: (chunk) => isKept(chunk as string) }]

/** A push: nothing in (`prev`, offset] but its own slot is for this reader. */
interface Push {
  readonly offset: number
  readonly prev: number
  readonly result: Result
}

/** Every push of a log to a reader with a filter, as production code makes it when it delivers the slot. */
const pushesOf =
  (pushes: Push[]): Program =>
  async ({ context }) => {
    const { slots } = await context.store.readSlots(topic, 0, 250)
    for (const [index, slot] of slots.entries()) {
      const result = coveringResult(context, { topic, slot, pipe, path: 'evens' }, slots.slice(0, index))
      if (result === undefined) continue
      const { prev = slot.offset - 1 } = result as { readonly prev?: number }
      pushes.push({ offset: slot.offset, prev, result })
    }
  }

/**
 * A reader with a filter gets any subset of the pushes of a closed log: what it has is complete up to its position,
 * from which it fetches what is missing, or it has the outcome.
 */
export async function filteredFlaw(make: Make, table: Table): Promise<string | undefined> {
  if (table.state?.at !== 'closed' || table.past > 0) return undefined
  const pushes: Push[] = []
  await runAlone(make(`pushes of ${table.id}`, pushesOf(pushes), 91), table)
  for (let subset = 0; subset < 2 ** pushes.length; subset++) {
    const got = pushes.filter((_, index) => Math.floor(subset / 2 ** index) % 2 === 1)
    const { chunks, position, isEnded } = receive(got)
    const expected = keptUpTo(table, position)
    const isComplete = position === table.slots.length
    if (chunks.join() !== expected.join() || isEnded !== isComplete)
      return `A filtered reader of the pushes at ${got.map(({ offset }) => offset)} has [${chunks}] at ${position}, not [${expected}]: ${table.runs.describe()}`
  }
  return undefined
}

/** What a client has after these pushes: it applies those that continue its position [LAW-COVERAGE]. */
function receive(pushes: readonly Push[]) {
  const has = { chunks: [] as string[], position: 0, isEnded: false }
  for (const { offset, prev, result } of pushes) {
    if (prev > has.position) break // a hole: it fetches from its position
    has.position = offset
    if (result.type === 'anew') has.chunks = []
    if (result.type === 'data') has.chunks.push(...(result.data as readonly string[]))
    has.isEnded = result.type === 'closed'
  }
  return has
}

/** The chunks that the filter keeps of the run at a position, up to it. */
function keptUpTo({ runs: { runs } }: Table, position: number): readonly string[] {
  const run = runs.findLast(({ from }) => from <= position)
  const upTo = run?.chunks.filter((_, index) => (run.cursors[index]?.offset ?? 0) <= position)
  return (upTo ?? []).filter(isKept)
}
