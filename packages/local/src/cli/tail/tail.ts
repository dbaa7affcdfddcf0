import { setTimeout as sleep } from 'node:timers/promises'
import type { Io } from '../definition/io.ts'

/** A line of a log, or a frame. */
export interface TailEntry {
  /** Epoch milliseconds. */
  readonly at: number
  /** One source gives an entry its id once; with it, an entry that is read again is not printed again. */
  readonly id: string
  /** The function's short name, or `frame in` and `frame out`. */
  readonly from: string
  readonly text: string
  /** More members for `--json`. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** Reads the entries from a time to a time, in any order; it may return some of them again. */
export type TailSource = (range: { readonly from: number; readonly to: number }) => Promise<readonly TailEntry[]>

/** The source does not answer at the moment, such as a line that is started again. */
export class SourceAway extends Error {
  override readonly name = 'SourceAway'
}

export interface TailSettings {
  readonly io: Io
  /** Where it begins, in epoch milliseconds. */
  readonly since: number
  /** False: ends when it has printed what there is. */
  readonly follow: boolean
  /** How often a source is read. */
  readonly everyMs: number
  /** How old an entry is when it is printed, so that entries of several logs are in the order of their times. */
  readonly settleMs: number
  /** How long an entry may take to be found: it is looked for again in this time. */
  readonly lateMs: number
  readonly now?: () => number
}

/**
 * Prints the entries of a source in the order of their times, each once, until the user interrupts it. It waits for a
 * source that has answered before and is away.
 */
export async function tail(source: TailSource, settings: TailSettings): Promise<void> {
  const { io, since, follow, everyMs, settleMs, lateMs, now = Date.now } = settings
  const read = throughAbsence(source, io)
  const printed = new Map<string, number>()
  for (let from = since; !io.interrupted.aborted; ) {
    const to = follow ? now() - settleMs : now()
    const entries = await read({ from, to })
    for (const entry of [...(entries ?? [])].sort((a, b) => a.at - b.at)) {
      if (entry.at < since || printed.has(entry.id)) continue
      printed.set(entry.id, entry.at)
      print(io, entry)
    }
    if (!follow) return
    if (entries !== undefined) from = Math.max(since, to - lateMs)
    for (const [id, at] of printed) if (at < from) printed.delete(id)
    await sleep(everyMs, undefined, { signal: io.interrupted }).catch(() => {}) // interrupted: the loop ends
  }
}

/** Reads a source that may be away after its first answer: undefined while it is away, and after an interrupt. */
function throughAbsence(source: TailSource, io: Io) {
  let state: 'new' | 'here' | 'away' = 'new'
  return async (span: Parameters<TailSource>[0]): Promise<readonly TailEntry[] | undefined> => {
    try {
      const entries = await source(span)
      if (state === 'away') io.note('It answers again.')
      state = 'here'
      return entries
    } catch (error) {
      if (io.interrupted.aborted) return undefined
      if (!(error instanceof SourceAway) || state === 'new') throw error
      if (state === 'here') io.note(`${error.message} Waiting for it.`)
      state = 'away'
      return undefined
    }
  }
}

function print(io: Io, { at, from, text, facts }: TailEntry): void {
  const time = new Date(at).toISOString()
  io.print(io.isJson ? JSON.stringify({ time, from, ...facts }) : `${time}  ${from}  ${text}`)
}
