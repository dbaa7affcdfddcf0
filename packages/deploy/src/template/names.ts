import type { Settings } from './options.ts'

/** A function of a line, by the name that its role, alarms and log group have too. */
export interface FunctionName {
  /** The name in the template: `Websocket`. */
  readonly id: string
  /** The end of the deployed function's name: `websocket`. */
  readonly name: string
  /** The export of the application's module. */
  readonly export: string
  /** Whether it streams its responses, which the one handler for all events does not. */
  readonly streams?: true
}

const authorizer: FunctionName = { id: 'Authorizer', name: 'authorizer', export: 'authorizer' }
const http: FunctionName = { id: 'Http', name: 'http', export: 'http' }
const httpStream: FunctionName = { ...http, export: 'httpStream', streams: true }
const always: readonly FunctionName[] = [
  { id: 'Websocket', name: 'websocket', export: 'websocket' },
  { id: 'TableStream', name: 'tableStream', export: 'tableStream' },
  { id: 'Deliver', name: 'deliver', export: 'deliver' },
  // consumes the delay queue with a shorter timeout, so that a queue that hides messages six times as long repeats soon
  { id: 'Delayed', name: 'delayed', export: 'deliver' },
  { id: 'Worker', name: 'worker', export: 'worker' },
]

/** The functions of these settings. */
export function functionsOf(settings: Settings): readonly FunctionName[] {
  const ofHttp = settings.httpStream ? httpStream : http
  return [...(settings.authorizer ? [authorizer] : []), ...always, ...(settings.http ? [ofHttp] : [])]
}

/** The module and the export that a function runs. */
export function handlerOf({ handler, oneHandler }: Settings, { export: exported, streams }: FunctionName): string {
  return `${handler}.${oneHandler && streams !== true ? 'handler' : exported}`
}

/** `service-stage`, the name of the API, of the dashboard and of the metrics' dimension `service`. */
export function lineName({ service, stage }: Settings): string {
  return `${service}-${stage}`
}

/** The name of a deployed function. */
export function functionName(settings: Settings, name: string): string {
  return `${lineName(settings)}-${name}`
}
