// One file over 200 lines: it is the composition root of the local line.

import { defined } from '@trunkline/protocol'
import { lineTable } from '@trunkline/server/dynamodb'
import type { Backend } from '@trunkline/server/ports'
import { type GatewayOptions, type LocalGateway, startGateway } from '../emulators/apigateway/gateway.ts'
import type { GatewayHooks } from '../emulators/apigateway/integration/hooks.ts'
import { createLocalClock, type LocalClock } from '../emulators/clock.ts'
import { type LocalDynamo, type LocalDynamoOptions, startDynamo } from '../emulators/dynamodb/dynamo.ts'
import { connectDynamo } from '../emulators/dynamodb/remote/remote-dynamo.ts'
import { createFunctions, type FunctionErrorReport } from '../emulators/lambda/functions.ts'
import type { FunctionOptions } from '../emulators/lambda/invocations/lambda-function.ts'
import { type Resources, withResources } from '../emulators/resources.ts'
import { FaultLayer } from '../faults/faults.ts'
import type { Inspector } from '../inspector/local/inspector.ts'
import {
  delayedSettings,
  delayQueueSettings,
  functionSettings,
  type LineFunction,
  lineFunctions,
  routes,
  streamedHttp,
  streamSettings,
} from './deployment.ts'
import { createAuthExpSetter } from './expire-authority.ts'
import { createBackends, createEnvironments, credentials, type Emulators, region } from './line-environment.ts'
import { settle } from './settle.ts'

/** The options of every local line. */
export interface LocalOptions {
  /** The port to listen on. @default a free port */
  readonly port?: number
  /** The folder that keeps rows after `close`. @default memory */
  readonly dataDir?: string
  /**
   * The address of a DynamoDB with streams to use instead of the line's own, such as DynamoDB Local:
   * `http://localhost:8000`. @default the line's own
   */
  readonly dynamodb?: string
  /**
   * True: a transaction on an application table is cancelled while another transaction holds one of its items. @default
   * false: it waits
   */
  readonly transactionConflicts?: boolean
  /**
   * The number of records that each shard of a stream of the line's own DynamoDB keeps after its mappings have read
   * them. @default 250
   */
  readonly streamRecords?: number
  /** The seed of every random choice. @default random */
  readonly seed?: number
  /** The gateway's limits, the rates above which it answers 429, and its behaviour where AWS documents none. */
  readonly gateway?: Pick<GatewayOptions, 'limits' | 'throttles' | 'undocumented'>
}

/** The names of these options. */
export const localNames: Readonly<Record<keyof LocalOptions, true>> = {
  port: true,
  dataDir: true,
  dynamodb: true,
  transactionConflicts: true,
  streamRecords: true,
  seed: true,
  gateway: true,
}

export interface StackOptions extends LocalOptions {
  /** Handles other HTTP requests on the line's port, such as the dev server's page. */
  readonly http?: GatewayOptions['http']
  /** Creates the inspector, which records the line's activity and serves its page. @default none */
  readonly inspector?: (clock: LocalClock) => Inspector
  /**
   * True: existing tables at `dynamodb` are used and kept. @default false: the tables are new, and `close` drops them
   */
  readonly keepsTables?: boolean
  /** Called for an upgrade request that the gateway rejects before any function runs. */
  readonly onRejectedUpgrade?: GatewayHooks['rejectedUpgrade']
  /** @default the routes of a deployed line */
  readonly routes?: GatewayOptions['routes']
  /** Called for each function error. */
  readonly onError?: (report: FunctionErrorReport) => void
}

/** The emulators of a line, wired as a deployment wires them. Its functions are registered later, with `serve`. */
export interface Stack extends Emulators {
  /** The backend of a deployed function: real SDK clients over HTTP. */
  readonly functionBackend: Backend
  /** The backend of a script with this line's credentials. It has no gateway, so the stream delivers. */
  readonly scriptBackend: Backend
  /** The environment of a function. */
  readonly environment: Readonly<Record<string, string>>
  /** The environment of a script. */
  readonly scriptEnvironment: Readonly<Record<string, string>>
  serve(run: RunOf): void
  idle(): Promise<void>
  close(): Promise<void>
}

/** Returns how a function runs. Undefined for a function that the line does not have. */
type RunOf = (name: LineFunction) => FunctionOptions['run'] | undefined

let tables = 0

/** Starts and connects gateway, functions and table. Rejects with the system's error when the given port is in use. */
export function startStack(options: StackOptions): Promise<Stack> {
  return withResources((resources) => openStack(options, resources))
}

async function openStack(options: StackOptions, resources: Resources): Promise<Stack> {
  // local clients do not run on Lambda's Node version
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  checkStorage(options)
  const { inspector, emulators, stopReporting } = await openEmulators(options, resources)
  const { clock, gateway, functions, dynamo, faults, table } = emulators
  await dynamo.createTable(lineTable(table))
  await dynamo.enableTtl(table, 'expires')
  if (inspector !== undefined) {
    functions.hooks.ran = inspector.ran
    dynamo.stream(table).onRecord(inspector.record)
  }
  const backends = createBackends(emulators)
  inspector?.attach({
    ...{ gateway, functions, faults, clock, backend: backends.scriptBackend },
    functionNames: [...lineFunctions, delayedSettings.name],
    setAuthExp: createAuthExpSetter(emulators),
    advance: (ms) => clock.advance(ms, () => settle({ idle: () => idle(emulators), faults })),
  })
  functions.hooks.invoke = faults.functionHook
  functions.hooks.queued = faults.queueHook
  faults.attach(gateway, functions)
  return {
    ...emulators,
    ...backends,
    ...createEnvironments(emulators),
    serve: (run) => serve(emulators, run),
    idle: () => idle(emulators),
    async close() {
      stopReporting()
      await gateway.close()
      await functions.close()
      await dynamo.close()
      clock.close()
    },
  }
}

function checkStorage({ dataDir, dynamodb }: StackOptions): void {
  if (dataDir !== undefined && dynamodb !== undefined)
    throw new TypeError(
      `Expected either a data folder or another DynamoDB, got both: ${dataDir} and ${dynamodb}. Leave one out.`,
    )
}

/** Starts the emulators. After `stopReporting`, function errors are not reported: closing the line causes them. */
async function openEmulators(options: StackOptions, resources: Resources) {
  const clock = createLocalClock(defined({ seed: options.seed }))
  await resources.add(clock, () => clock.close())
  const faults = new FaultLayer(clock)
  const inspector = options.inspector?.(clock)
  let closing = false
  const starting = createFunctions({
    clock,
    intercept: (service) => faults.intercept(service),
    ...defined({ seed: options.seed }),
    onError: (report) => closing || options.onError?.(report),
  })
  const functions = await resources.add(starting, (started) => started.close())
  const opening = openDynamo(options, {
    clock,
    intercept: faults.intercept('dynamodb'),
    ...defined({ dataDir: options.dataDir, onUse: inspector?.used }),
  })
  const listening = openGateway(options, { clock, faults, inspector, invoke: functions.invoke })
  const [dynamo, gateway] = await Promise.all([
    resources.add(opening, (opened) => opened.close()),
    resources.add(listening, (opened) => opened.close()),
  ])
  const emulators: Emulators = { clock, gateway, functions, dynamo, faults, table: nameTable(options) }
  const stopReporting = () => {
    closing = true
  }
  return { inspector, emulators, stopReporting }
}

interface GatewayParts extends Pick<Emulators, 'clock' | 'faults'> {
  readonly inspector: Inspector | undefined
  readonly invoke: GatewayOptions['invoke']
}

function openGateway(options: StackOptions, parts: GatewayParts): Promise<LocalGateway> {
  const { clock, faults, inspector, invoke } = parts
  const { port, http, onRejectedUpgrade } = options
  return startGateway({
    ...options.gateway,
    clock,
    region,
    routes: options.routes ?? routes,
    authorizer: { functionName: 'authorizer', identitySource: [] },
    httpFunction: 'http',
    invoke,
    hooks: {
      ...faults.gatewayHooks,
      intercept: faults.intercept('apigateway'),
      ...(inspector && combineHooks(inspector, faults)),
      ...defined({ rejectedUpgrade: onRejectedUpgrade }),
    },
    http: (request, response) => inspector?.http(request, response) === true || http?.(request, response) === true,
    ...defined({ port }),
  })
}

/** Combines the hooks of the inspector and of the faults. Both need the beginning and the end of a connection. */
function combineHooks(inspector: Inspector, faults: FaultLayer): GatewayHooks {
  return {
    ...inspector.gateway,
    connect(info) {
      inspector.gateway.connect(info)
      return faults.gatewayHooks.connect?.(info)
    },
    ended(info) {
      faults.gatewayHooks.ended?.(info)
      inspector.gateway.ended(info)
    },
  }
}

function openDynamo(
  { dynamodb: endpoint, keepsTables = false, transactionConflicts = false, streamRecords }: StackOptions,
  own: LocalDynamoOptions,
): Promise<LocalDynamo> {
  if (endpoint === undefined) return startDynamo({ ...own, transactionConflicts, ...defined({ streamRecords }) })
  return connectDynamo({ endpoint, region, credentials, keepsTables, clock: own.clock })
}

/**
 * The table's name. A table in memory is unique in this process; a table at another DynamoDB is unique among processes.
 */
function nameTable({ dataDir, dynamodb, keepsTables }: StackOptions): string {
  if (dataDir !== undefined || (dynamodb !== undefined && keepsTables === true)) return 'trunkline'
  const name = `trunkline-${process.pid}-${++tables}`
  return dynamodb === undefined ? name : `${name}-${Date.now().toString(36)}`
}

/** Registers the line's functions, and maps the delay queue and the table's stream to them. */
function serve({ functions, dynamo, faults, table }: Emulators, runOf: RunOf): void {
  for (const name of lineFunctions) {
    const run = runOf(name)
    const settings = name === 'http' ? { ...functionSettings.http, ...streamedHttp } : functionSettings[name]
    if (run !== undefined) functions.register({ name, ...settings, run })
  }
  const { handler, ...delayed } = delayedSettings
  const run = runOf(handler)
  if (run !== undefined) {
    functions.register({ ...delayed, run })
    functions.mapQueue(delayQueueSettings)
  }
  const filter: typeof streamSettings.filter = (record) =>
    streamSettings.filter?.(record) === true && faults.passesRecord()
  functions.mapStream({ ...streamSettings, filter, stream: dynamo.stream(table), functionName: 'tableStream' })
}

/**
 * Resolves when gateway, functions and streams are idle, and no activity was seen while that was determined: messages
 * between them cross real sockets.
 */
async function idle({ gateway, functions, faults, dynamo }: Emulators): Promise<void> {
  let before: number
  let isNew: boolean | undefined
  do {
    before = faults.seen()
    await Promise.all([gateway.idle(), functions.idle()])
    isNew = await dynamo.settled?.()
    await new Promise((resolve) => setTimeout(resolve, 2)) // a frame on a loopback socket arrives within 2 ms
  } while (isNew === true || faults.seen() !== before)
}
