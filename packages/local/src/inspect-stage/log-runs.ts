import { InspectorError, type ListPage, type ListQuery, type RunItem, type RunRow } from '../inspector/data-source.ts'
import { type LoggedRun, type LogLine, parseRuns } from './parse-log.ts'
import { request, type StageReader } from './read-only.ts'

const minuteMs = 60_000
/** How far back the logs are read, one after the other when the page asks for more. */
const spansMinutes = [5, 15, 60, 240, 1_440, 10_080] as const
const pagesOfRead = 5 // of at most 10,000 lines each, for one function and one span
const mostRuns = 10_000
const freshMs = 5_000 // what is asked again within this time reads nothing
const lateMs = 30_000 // CloudWatch Logs shows a line some seconds after its time

/** The runs of a stage's functions, from its logs. It reads only when the page asks for a list. */
export class LogRuns {
  readonly #reader: StageReader
  readonly #now: () => number
  readonly #runs = new Map<string, RunItem>()
  #lines: ReadLine[] = []
  /** The lines that were read, since two reads overlap. */
  #read = new Set<string>()
  #reading: Promise<unknown> = Promise.resolve()
  #span = 0
  #readFrom: number | undefined
  #readTo = 0
  #newest = 0
  #isCut = false

  constructor(reader: StageReader, now: () => number) {
    this.#reader = reader
    this.#now = now
  }

  newest(): number {
    return this.#newest
  }

  count(): number {
    return this.#runs.size
  }

  /** The runs that have all words of the search, among those that were read. `more` reads further back. */
  async page({ search, offset, limit, through, more = false }: ListQuery): Promise<ListPage<RunRow>> {
    const isNew = offset === 0 && through === undefined // else the page scrolls in what it has
    if (isNew) await this.#afterOthers(() => (more ? this.#readBack() : this.#readOn()))
    const words = search.toLowerCase().split(/\s+/).filter(Boolean)
    const all = [...this.#runs.values()].sort((a, b) => b.endedAt - a.endedAt)
    const found = all.filter((run) => hasWords(run, words))
    const unread = this.#unread()
    return {
      rows: found.slice(offset, offset + limit).map(toRow),
      total: found.length,
      through: this.#newest,
      ...(unread !== undefined && { unread }),
    }
  }

  /** One read at a time: each begins where the one before has ended. */
  #afterOthers(read: () => Promise<void>): Promise<void> {
    const reading = this.#reading.then(read)
    this.#reading = reading.catch(() => {})
    return reading
  }

  open(id: string): RunItem | undefined {
    return [...this.#runs.values()].find((run) => run.id === id)
  }

  #unread(): string | undefined {
    const [read, next] = [spansMinutes[this.#span], spansMinutes[this.#span + 1]]
    const cut = this.#isCut ? ' A part had too many lines, and its newest are left out.' : ''
    if (read === undefined || next === undefined) return cut === '' ? undefined : cut.trim()
    return `The logs of the last ${inWords(read)} were read.${cut} Reading on reads those of the last ${inWords(next)}.`
  }

  /** Reads what was logged since the last read. */
  async #readOn(): Promise<void> {
    const now = this.#now()
    if (this.#readFrom !== undefined && now - this.#readTo < freshMs) return
    const from = this.#readFrom === undefined ? now - (spansMinutes[0] ?? 0) * minuteMs : this.#readTo - lateMs
    await this.#readLines(from, now)
    this.#readFrom ??= from
    this.#readTo = now
  }

  async #readBack(): Promise<void> {
    await this.#readOn()
    const next = spansMinutes[this.#span + 1]
    if (next === undefined || this.#readFrom === undefined) return
    const from = this.#now() - next * minuteMs
    await this.#readLines(from, this.#readFrom)
    this.#span += 1
    this.#readFrom = from
  }

  async #readLines(from: number, to: number): Promise<void> {
    const groups = Object.entries(this.#reader.stage.logGroups)
    if (groups.length === 0)
      throw new InspectorError(502, 'The log groups of this line are not known. Name its stage or its stack.')
    const read = await Promise.all(groups.map(([name, group]) => this.#readGroup({ name, group, from, to })))
    // lines of a run may be on both sides of the border of two reads
    const unseen = read.flat().filter(({ id }) => !this.#read.has(id))
    for (const { id } of unseen) this.#read.add(id)
    this.#lines = [...this.#lines, ...unseen].sort((a, b) => a.at - b.at)
    for (const run of parseRuns(this.#lines)) this.#keep(run)
    this.#forgetOldest()
  }

  async #readGroup({ name, group, from, to }: Reading): Promise<readonly ReadLine[]> {
    const sdk = await import('./sdk.ts')
    const client = new sdk.CloudWatchLogsClient({
      ...this.#reader.stage.clientConfig('CLOUDWATCH_LOGS'),
      maxAttempts: 5,
    })
    const lines: ReadLine[] = []
    let nextToken: string | undefined
    try {
      for (let page = 0; page < pagesOfRead; page++) {
        const input = {
          logGroupName: group,
          startTime: from,
          endTime: to - 1,
          ...(nextToken !== undefined && { nextToken }),
        }
        const answer = await client.send(new sdk.FilterLogEventsCommand(input)).catch((thrown: unknown) => {
          if (thrown instanceof Error && thrown.name === 'ResourceNotFoundException')
            return { events: [], nextToken: undefined }
          return request('logs:FilterLogEvents', () => Promise.reject(thrown))
        })
        for (const { timestamp = 0, message = '', logStreamName = '', eventId } of answer.events ?? []) {
          const id = eventId ?? `${name} ${logStreamName} ${timestamp} ${message}`
          lines.push({ id, name, stream: logStreamName, at: timestamp, text: message })
        }
        nextToken = answer.nextToken
        if (nextToken === undefined) return lines
      }
      this.#isCut = true
      return lines
    } finally {
      client.destroy()
    }
  }

  #keep(run: LoggedRun): void {
    const known = this.#runs.get(run.requestId)
    const number = known?.number ?? ++this.#newest
    const lines = run.output.reduce((sum, { text }) => sum + text.trimEnd().split('\n').length, 0)
    this.#runs.set(run.requestId, { ...run, id: String(number), number, attempt: 1, lines, frames: [] })
  }

  #forgetOldest(): void {
    const oldest = [...this.#runs.values()].sort((a, b) => b.endedAt - a.endedAt).slice(mostRuns)
    for (const { requestId } of oldest) this.#runs.delete(requestId)
    const last = oldest[0]?.endedAt ?? 0
    if (oldest.length === 0) return
    this.#lines = this.#lines.filter(({ at }) => at > last)
    this.#read = new Set(this.#lines.map(({ id }) => id))
  }
}

/** A line with its id in CloudWatch Logs. */
interface ReadLine extends LogLine {
  readonly id: string
}

interface Reading {
  readonly name: string
  readonly group: string
  readonly from: number
  readonly to: number
}

function hasWords(run: RunItem, words: readonly string[]): boolean {
  const { name, cause, code, outcome, connectionId, requestId, output, error } = run
  const written = output.map(({ text }) => text).join(' ')
  const text =
    `${name} ${cause} ${code} ${outcome} ${connectionId} ${requestId} ${error?.message} ${written}`.toLowerCase()
  return words.every((word) => text.includes(word))
}

function toRow({ requestId: _, error: __, output: ___, isOutputCut: ____, frames: _____, ...row }: RunItem): RunRow {
  return row
}

function inWords(minutes: number): string {
  if (minutes < 60) return `${minutes} minutes`
  const hours = minutes / 60
  if (hours === 1) return 'hour'
  return hours <= 24 ? `${hours} hours` : `${hours / 24} days`
}
