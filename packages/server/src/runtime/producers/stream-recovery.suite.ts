import { parseChunkCursor } from '@trunkline/protocol'
import { StoreError } from '../../ports/store.ts'
import { readStatus, readStreamPage } from '../streams/read-stream.ts'
import { replayStream } from '../streams/replay-stream.ts'
import { parseState } from '../streams/state.ts'
import { lookAtStream } from './run-producer.ts'
import { type Process, runAlone } from './stream-points.suite.ts'
import { type ProcessContext, type Program, topic } from './stream-process.suite.ts'
import type { Table } from './stream-table.suite.ts'

/** A caller whose answer is lost asks again, and so does the platform for a worker that threw. */
export async function repeated<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run()
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown
    }
  }
}

/** A worker that looks at the stream. */
export const work: Program = ({ context }) => repeated(() => lookAtStream(context, { kind: 'stream', topic }))

/** Adds what a reader has read. */
export function take(
  seen: ProcessContext['seen'],
  { gap, slots, skip }: Awaited<ReturnType<typeof replayStream>>,
): void {
  if (gap !== undefined) [seen.chunks, seen.gaps] = [[], seen.gaps + 1]
  for (const slot of slots) {
    const state = parseState(slot.state)
    if (state?.anew === true && state.first === slot.offset) [seen.chunks, seen.gaps] = [[], seen.gaps + 1]
    const chunks = slot.data === undefined ? [] : (JSON.parse(slot.data) as readonly string[])
    seen.chunks = [...seen.chunks, ...chunks.slice(skip?.offset === slot.offset ? skip.chunks : 0)]
    seen.isClosed = state?.at === 'closed'
  }
}

export type Make = (name: string, program: Program, seed: number) => Process

/**
 * Whether a recoverer alone ends a stream: it looks, and runs a worker, until the stream is closed. Also when each
 * function that it starts dies at once.
 */
export class Recovery {
  readonly #lookers: readonly Process[]
  readonly #workers: readonly Process[]

  constructor(make: Make) {
    const rounds = Array.from({ length: 8 }, (_, round) => round)
    const look: Program = ({ context, ref }) => readStatus(context, ref)
    this.#lookers = rounds.map((round) => make(`looker ${round}`, look, 40 + round))
    this.#workers = rounds.map((round) => make(`recoverer ${round}`, work, 60 + round))
  }

  async flawOf(table: Table): Promise<string | undefined> {
    for (const dies of [false, true]) {
      let found = table
      for (const [round, looker] of this.#lookers.entries()) {
        found = (await runAlone(looker, found, { finds: 'lapsed' })).table
        if (found.state === undefined || found.state.at === 'closed') break
        found = (await runAlone(this.#workers[round] as Process, found, { finds: 'lapsed', dies })).table
      }
      if (found.flaw !== undefined) return `${found.flaw}, recovered from ${table.runs.describe()}`
      if (found.state !== undefined && found.state.at !== 'closed')
        return `Nobody ends the stream: ${found.runs.describe()}, recovered from ${table.runs.describe()}`
    }
    return undefined
  }
}

/**
 * Readers of a log: one from the beginning, one from each prefix, and one that was cut behind each chunk, by both ways
 * to read. Each gets the chunks that it misses, or a gap and the whole run.
 */
export class ReadersAt {
  readonly #make: Make
  readonly #cursorOf: (id: string) => string
  readonly #processes = new Map<string, Process>()

  constructor(make: Make, cursorOf: (id: string) => string = (id) => id) {
    this.#make = make
    this.#cursorOf = cursorOf
  }

  async flawOf(table: Table): Promise<string | undefined> {
    const { runs } = table.runs
    const run = runs.at(-1)
    if (run === undefined || table.past > 0) return undefined
    const epoch = `0.${table.slots[0]?.epoch}`
    const cursors: { readonly after?: string; readonly rest: readonly string[]; readonly isGap: boolean }[] = [
      { rest: run.chunks, isGap: false },
    ]
    for (const each of runs)
      for (const [index, { offset, place, of }] of each.cursors.entries()) {
        const after = `${epoch}:${offset}${place === of ? '' : `.${place}`}`
        const isGap = each !== run
        cursors.push({ after, rest: isGap ? run.chunks : run.chunks.slice(index + 1), isGap })
      }
    for (const { after, rest, isGap } of cursors) {
      const cursor = after && this.#cursorOf(after)
      for (const [way, { point, table: left }] of [
        ['read', await runAlone(this.#pageReader(cursor), table)],
        ['resume', await runAlone(this.#resumer(cursor), table)],
      ] as const) {
        const { chunks, gaps, isClosed } = point.seen
        const about = `A ${way} after ${after}`
        if (point.ended?.thrown !== undefined || chunks.join() !== rest.join() || gaps > 0 !== isGap)
          return `${about} gets [${chunks.join()}] and ${gaps} gaps, not [${rest.join()}]: ${table.runs.describe()}`
        if (isClosed !== (left.state?.at === 'closed'))
          return `${about} does not see the close: ${table.runs.describe()}`
      }
    }
    return undefined
  }

  #pageReader(after: string | undefined): Process {
    return this.#process(`read ${after}`, async ({ context, ref, seen }) => {
      const page = await readStreamPage(context, ref, after === undefined ? {} : { after })
      seen.chunks = page.chunks.map(({ data }) => data as string)
      seen.gaps = page.gap === undefined ? 0 : 1
      seen.isClosed = page.status.state === 'closed'
    })
  }

  #resumer(after: string | undefined): Process {
    return this.#process(`resume ${after}`, async ({ context, ref, seen }) => {
      take(seen, await replayStream(context, ref, after === undefined ? undefined : parseChunkCursor(after)))
    })
  }

  #process(name: string, program: Program): Process {
    const process = this.#processes.get(name) ?? this.#make(name, program, 90)
    this.#processes.set(name, process)
    return process
  }
}
