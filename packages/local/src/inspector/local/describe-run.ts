import { defined } from '@trunkline/protocol'
import type { InvokeResult } from '../../emulators/lambda/invocations/lambda-function.ts'
import { codeOf, idsOf, member, parseFrames } from './frame-name.ts'

/** Why a function ran, and for whom. */
export interface RunCause {
  /** A procedure's path, or a reason such as `$connect` or `3 rows`. */
  readonly cause: string
  readonly connectionId?: string
  /** The ids of the calls, as JSON text. */
  readonly ids: readonly string[]
}

/** Reads why a function ran from its event, JSON text. */
export function describeEvent(text: string): RunCause {
  const event: unknown = JSON.parse(text)
  const context = member(event, 'requestContext')
  const route = member(context, 'routeKey')
  if (typeof member(context, 'connectionId') === 'string') return describeFrame(event, context)
  if (typeof member(event, 'rawPath') === 'string') return describeHttp(event, context)
  const records = member(event, 'Records')
  if (Array.isArray(records)) return { cause: describeRecords(records), ids: [] }
  return describeJob(event, route)
}

/** The code of the first error that a function's response answers. */
export function codeOfResult(result: InvokeResult): string | undefined {
  if (result.status !== 'ok') return result.errorType
  const body = member(result.payload, 'body')
  if (typeof body !== 'string') return undefined
  return parseFrames(body)
    .map(codeOf)
    .find((code) => code !== undefined)
}

function describeFrame(event: unknown, context: unknown): RunCause {
  const connectionId = String(member(context, 'connectionId'))
  const body = member(event, 'body')
  const frames = typeof body === 'string' ? parseFrames(body) : []
  const paths = frames.map((frame) => member(member(frame, 'params'), 'path') ?? member(frame, 'method'))
  const named = [...new Set(paths.filter((path) => typeof path === 'string'))]
  const route = String(member(context, 'routeKey') ?? '')
  return { cause: named.join(', ') || route, connectionId, ids: idsOf(frames) }
}

function describeHttp(event: unknown, context: unknown): RunCause {
  const method = member(member(context, 'http'), 'method')
  return { cause: `${method} ${member(event, 'rawPath')}`, ids: [] }
}

function describeRecords(records: readonly unknown[]): string {
  const [first] = records
  const key = member(member(member(member(first, 'dynamodb'), 'Keys'), 'pk'), 'S')
  if (typeof key !== 'string') return count(records.length, 'message')
  return `${count(records.length, 'row')}: ${key.slice(key.indexOf('#') + 1)}`
}

function count(number: number, what: string): string {
  return `${number} ${number === 1 ? what : `${what}s`}`
}

/** A job of `deliver` or `worker`: see docs/design/table.md. */
function describeJob(job: unknown, route: unknown): RunCause {
  const run = member(job, 'call') ?? member(job, 'subscription')
  const caller = member(member(job, 'client'), 'caller')
  const connectionId = member(caller, 'connectionId')
  const cause = member(run, 'path') ?? member(job, 'topic') ?? member(member(job, 'presence'), 'topic') ?? route
  return {
    cause: typeof cause === 'string' ? cause : (Object.keys(Object(job))[0] ?? ''),
    ids: run === undefined ? [] : idsOf([{ id: member(run, 'id') }]),
    ...defined({ connectionId: typeof connectionId === 'string' ? connectionId : undefined }),
  }
}
