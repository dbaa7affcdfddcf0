import type { Settings } from './options.ts'

/** What a function of a line does. `createLambdaHandlers` has an export for each; `delayed` runs that of `deliver`. */
export type Duty = 'authorizer' | 'websocket' | 'tableStream' | 'deliver' | 'delayed' | 'worker' | 'http'

/** A function of a line, by the name that its role, alarms and log group have too. */
export interface FunctionName {
  /** The name in the template: `Websocket`. */
  readonly id: string
  /** The end of the deployed function's name: `websocket`. */
  readonly name: string
  /** The export of the application's module. */
  readonly export: string
  readonly duties: readonly Duty[]
  /** Whether it streams its responses, which the one handler for all events does not. */
  readonly streams?: true
}

const handlers: readonly FunctionName[] = [
  { id: 'Authorizer', name: 'authorizer', export: 'authorizer', duties: ['authorizer'] },
  { id: 'Websocket', name: 'websocket', export: 'websocket', duties: ['websocket'] },
  { id: 'TableStream', name: 'tableStream', export: 'tableStream', duties: ['tableStream'] },
  { id: 'Deliver', name: 'deliver', export: 'deliver', duties: ['deliver'] },
  // consumes the delay queue with a shorter timeout, so that a queue that hides messages six times as long repeats soon
  { id: 'Delayed', name: 'delayed', export: 'deliver', duties: ['delayed'] },
  { id: 'Worker', name: 'worker', export: 'worker', duties: ['worker'] },
  { id: 'Http', name: 'http', export: 'http', duties: ['http'] },
]

/** The functions of these settings. */
export function functionsOf(settings: Settings): readonly FunctionName[] {
  const needed = handlers.filter(
    ({ name }) => (name !== 'authorizer' || settings.authorizer) && (name !== 'http' || settings.http !== false),
  )
  if (settings.functions === 'one')
    return [{ id: 'Handler', name: 'handler', export: 'handler', duties: needed.flatMap(({ duties }) => duties) }]
  return needed.map((each) =>
    each.name === 'http' && settings.httpStream ? { ...each, export: 'httpStream', streams: true } : each,
  )
}

/** The function that has a duty. */
export function functionFor(settings: Settings, duty: Duty): FunctionName {
  const found = functionsOf(settings).find(({ duties }) => duties.includes(duty))
  if (found === undefined) throw new Error(`Expected a function for ${duty}: the settings leave it out.`)
  return found
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

/** The name of the deployed function that has a duty. */
export function nameFor(settings: Settings, duty: Duty): string {
  return functionName(settings, functionFor(settings, duty).name)
}
