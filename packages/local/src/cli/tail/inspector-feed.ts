import { defined } from '@trunkline/protocol'
import {
  type FrameItem,
  type FrameRow,
  type ListPage,
  mostRows,
  type RunItem,
  type RunRow,
} from '../../inspector/data-source.ts'
import { SourceAway, type TailEntry, type TailSource } from './tail.ts'

const mostPages = 50

export interface FeedOptions {
  readonly frames: boolean
  /** Whether the text of each frame is read too, which takes a request. */
  readonly texts: boolean
  readonly logs: boolean
  /** Names of functions. @default all */
  readonly functions: readonly string[] | undefined
  readonly filter: string | undefined
  readonly signal: AbortSignal
}

/** Reads the frames and the runs of functions with their console output from the inspector of a local line. */
export function inspectorSource(url: string, options: FeedOptions): TailSource {
  const { frames, texts, logs, functions, filter, signal } = options
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}/${path}`, { signal }).catch((cause: unknown) => {
      read.again()
      throw new SourceAway(`The inspector at ${url} does not answer. Start the line with trunkline dev.`, { cause })
    })
    if (response.ok) return (await response.json()) as T
    throw new Error(
      `The inspector at ${url} answered ${response.status}. trunkline tail needs a trunkline dev of its own version.`,
    )
  }
  const read = newRows(get)
  const open = <T>(list: string, id: string) => get<T>(`open/${list}?id=${encodeURIComponent(id)}`)
  const readFrame = async (row: FrameRow) =>
    toFrameEntry(row, texts ? (await open<FrameItem>('frames', row.id)).text : undefined)
  const readRun = async (run: RunRow) =>
    toRunEntries(run, run.lines === 0 ? { output: [] } : await open<RunItem>('runs', run.id))
  return async ({ from }) => {
    const [frameRows, runRows] = await Promise.all([
      frames ? read<FrameRow>('frames') : [],
      logs ? read<RunRow>('runs') : [],
    ])
    const runs = runRows.filter(({ name, endedAt }) => endedAt >= from && functions?.includes(name) !== false)
    const entries: TailEntry[] = []
    for (const row of frameRows) if (row.at >= from) entries.push(await readFrame(row))
    for (const run of runs) entries.push(...(await readRun(run)))
    return filter === undefined ? entries : entries.filter(({ text }) => text.includes(filter))
  }
}

interface Numbered {
  readonly number: number
}

/**
 * Reads the rows of a list that are newer than those that it returned before. `again` makes it return all: a line that
 * is started again numbers its rows from 1.
 */
function newRows(get: <T>(path: string) => Promise<T>) {
  const last = new Map<string, number>()
  const read = async <Row extends Numbered>(list: string): Promise<readonly Row[]> => {
    const before = last.get(list) ?? 0
    const found: Row[] = []
    let through: number | undefined
    for (let page = 0; page < mostPages; page++) {
      const query = `offset=${page * mostRows}&limit=${mostRows}${through === undefined ? '' : `&through=${through}`}`
      const { rows } = await get<ListPage<Row>>(`list/${list}?${query}`)
      const isNew = ({ number }: Row) => number > before
      found.push(...rows.filter(isNew))
      through ??= rows[0]?.number
      if (rows.length < mostRows || !rows.every(isNew)) break
    }
    last.set(list, Math.max(before, ...found.map(({ number }) => number)))
    return found
  }
  return Object.assign(read, { again: () => last.clear() })
}

function toFrameEntry(row: FrameRow, shown: string | undefined): TailEntry {
  const { number, at, direction, connectionId, bytes, type, path, code } = row
  const words = [connectionId, type, path, code, `${bytes} bytes`, shown].filter(
    (word) => word !== undefined && word !== '',
  )
  return {
    ...{ at, id: `frame ${number} ${at}`, from: `frame ${direction}`, text: words.join('  ') },
    facts: { direction, connectionId, bytes, type, path, ...defined({ code, text: shown }) },
  }
}

function toRunEntries(
  { number, name, endedAt, durationMs, outcome, cause, code }: RunRow,
  { output }: Pick<RunItem, 'output'>,
): TailEntry[] {
  const at = endedAt
  const lines = output.flatMap(({ stream, text }) => text.split('\n').map((line) => ({ stream, line })))
  const printed = lines
    .filter(({ line }) => line !== '')
    .map(({ stream, line }, index) => ({
      ...{ at: at - durationMs, id: `run ${number} ${at} ${index}`, from: name, text: line },
      facts: { stream, message: line },
    }))
  const words = [outcome, cause, code, `${Math.round(durationMs)} ms`].filter(
    (word) => word !== undefined && word !== '',
  )
  const end: TailEntry = {
    ...{ at, id: `run ${number} ${at}`, from: name, text: words.join('  ') },
    facts: { outcome, cause, durationMs, ...(code !== undefined && { code }) },
  }
  return [...printed, end]
}
