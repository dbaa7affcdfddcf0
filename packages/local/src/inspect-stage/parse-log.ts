import { defined } from '@trunkline/protocol'
import type { OutputText, RunItem } from '../inspector/data-source.ts'
import { redact } from '../inspector/local/redact.ts'

/** A line of the log of a function. */
export interface LogLine {
  /** The function's short name. */
  readonly name: string
  /** The log stream: the invocations in it follow each other. */
  readonly stream: string
  readonly at: number
  readonly text: string
}

/** A run that has ended, without its number. */
export type LoggedRun = Omit<RunItem, 'id' | 'number' | 'lines' | 'frames' | 'attempt'>

interface Draft {
  readonly requestId: string
  readonly name: string
  readonly output: OutputText[]
  endedAt?: number
  durationMs?: number
  initMs?: number
  outcome: RunItem['outcome']
  cause?: string
  code?: string
  connectionId?: string
  error?: RunItem['error']
}

type Json = Readonly<Record<string, unknown>>

/**
 * The runs in lines of Lambda's logs, in the text or the JSON format, in the order in which they ended. The lines are
 * in the order of their time. A run whose end is not among them is left out. Structured lines of Powertools and of
 * Trunkline say the procedure, the code and the connection. Values with secret names are hidden.
 */
export function parseRuns(lines: readonly LogLine[]): readonly LoggedRun[] {
  const drafts = new Map<string, Draft>()
  const current = new Map<string, string>() // the request that a log stream is at
  for (const line of lines) {
    const place = `${line.name} ${line.stream}`
    const entry = parseEntry(line)
    const requestId = entry.requestId ?? current.get(place)
    if (requestId === undefined) continue // the start was not read
    current.set(place, requestId)
    const draft = drafts.get(requestId) ?? { requestId, name: line.name, output: [], outcome: 'ok' }
    drafts.set(requestId, draft)
    entry.apply(draft)
  }
  return [...drafts.values()].flatMap(toRun).sort((a, b) => a.endedAt - b.endedAt)
}

function toRun({ endedAt, durationMs = 0, cause = '', requestId, ...draft }: Draft): LoggedRun[] {
  if (endedAt === undefined) return []
  return [{ ...defined({ ...draft }), requestId, endedAt, durationMs, cause, isOutputCut: false } as LoggedRun]
}

/** What a line of the log says, and about which request. */
interface Entry {
  readonly requestId?: string | undefined
  apply(draft: Draft): void
}

function parseEntry(line: LogLine): Entry {
  const text = line.text.trimEnd()
  const json = parseJson(text)
  return json === undefined ? parseText(text, line) : parseStructured(json, { text, at: line.at })
}

function parseText(text: string, { at }: LogLine): Entry {
  const [, kind, ofPlatform] = /^(START|END|REPORT|INIT_START|INIT_REPORT) ?(?:RequestId: (\S+))?/.exec(text) ?? []
  if (kind === 'REPORT') return { requestId: ofPlatform, apply: (draft) => report(draft, at, text) }
  if (kind !== undefined) return { requestId: ofPlatform, apply: () => {} }
  const [, timedOut] = /^\S+Z (\S+) Task timed out after /.exec(text) ?? []
  if (timedOut !== undefined)
    return {
      requestId: timedOut,
      apply(draft) {
        draft.outcome = 'timeout'
        write(draft, 'stderr', text)
      },
    }
  const [, requestId, level, message = text] = /^\d{4}-\S+Z\t(\S+)\t([A-Z]+)\t([\s\S]*)$/.exec(text) ?? []
  return { requestId, apply: (draft) => onOutput(draft, { level: level ?? 'INFO', message }) }
}

/** `REPORT RequestId: … Duration: 12.3 ms … Init Duration: 150 ms … Status: timeout` */
function report(draft: Draft, at: number, text: string): void {
  const number = (name: string) => Number(new RegExp(`\\t${name}: ([\\d.]+) ms`).exec(text)?.[1])
  end(draft, at, {
    durationMs: number('Duration'),
    initDurationMs: number('Init Duration'),
    status: /\tStatus: (\w+)/.exec(text)?.[1],
  })
}

interface Report {
  readonly durationMs?: unknown
  readonly initDurationMs?: unknown
  readonly status?: unknown
}

function end(draft: Draft, at: number, { durationMs, initDurationMs, status }: Report): void {
  draft.endedAt = at
  if (typeof durationMs === 'number' && Number.isFinite(durationMs)) draft.durationMs = durationMs
  if (typeof initDurationMs === 'number' && Number.isFinite(initDurationMs)) draft.initMs = initDurationMs
  if (status === 'timeout') draft.outcome = 'timeout'
  if ((status === 'error' || status === 'failure') && draft.outcome === 'ok') draft.outcome = 'error'
}

/** A line of JSON: of the platform, of the JSON format of Lambda, of Powertools, or of the application. */
function parseStructured(json: Json, { text, at }: { readonly text: string; readonly at: number }): Entry {
  const record = isJson(json['record']) ? json['record'] : undefined
  const type = json['type']
  if (typeof type === 'string' && type.startsWith('platform.')) {
    const metrics = isJson(record?.['metrics']) ? record['metrics'] : {}
    return {
      requestId: textOf(record?.['requestId']),
      apply: (draft) => type === 'platform.report' && end(draft, at, { ...metrics, status: record?.['status'] }),
    }
  }
  const requestId = textOf(json['requestId']) ?? textOf(json['function_request_id'])
  if (json['requestId'] !== undefined && json['errorType'] !== undefined)
    return { requestId, apply: (draft) => onThrown(draft, json) } // the JSON format's `Invoke Error`
  const message = json['requestId'] === undefined ? text : (textOf(json['message']) ?? JSON.stringify(json['message']))
  return {
    requestId,
    apply: (draft) => onOutput(draft, { level: textOf(json['level']) ?? 'INFO', message: message ?? text }),
  }
}

function onOutput(draft: Draft, { level, message }: { readonly level: string; readonly message: string }): void {
  const [, thrown] = /^(?:Invoke Error|Uncaught Exception)\s+(\{[\s\S]*\})$/.exec(message) ?? []
  if (thrown !== undefined) {
    onThrown(draft, parseJson(thrown))
    return
  }
  const json = parseJson(message)
  if (json !== undefined) readFacts(draft, json)
  if (json?.['_aws'] !== undefined) return // metrics
  write(draft, level === 'ERROR' || level === 'WARN' || level === 'FATAL' ? 'stderr' : 'stdout', message)
}

function onThrown(draft: Draft, json: Json | undefined): void {
  const { errorType, errorMessage, stack, stackTrace = stack } = json ?? {}
  if (draft.outcome === 'ok') draft.outcome = 'error'
  const type = textOf(errorType) ?? 'Error'
  const trace = Array.isArray(stackTrace) ? stackTrace.map((line) => redact(String(line))) : []
  draft.error = { type, message: redact(textOf(errorMessage) ?? ''), trace }
  draft.code ??= type
}

/** The members of Powertools' lines, of Trunkline's own and of its metrics that say what ran. */
function readFacts(draft: Draft, json: Json): void {
  const { path, code, outcome, connectionId, action } = json
  const cause = textOf(path) ?? (json['message'] === 'audit' ? textOf(action) : undefined)
  if (cause !== undefined) draft.cause ??= cause
  const failed = textOf(code) ?? (outcome === 'ok' ? undefined : textOf(outcome))
  if (failed !== undefined) draft.code ??= failed
  const connection = textOf(connectionId)
  if (connection !== undefined) draft.connectionId ??= connection
}

function write(draft: Draft, stream: OutputText['stream'], text: string): void {
  draft.output.push({ stream, text: redact(text) })
}

function parseJson(text: string): Json | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
