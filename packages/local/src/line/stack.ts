// One file over 200 lines: it is the composition root of the local line.

import { awsBackend } from '@trunkline/server/aws'
import { lineTable } from '@trunkline/server/dynamodb'
import type { Backend } from '@trunkline/server/ports'
import { type GatewayOptions, type LocalGateway, startGateway } from '../emulators/apigateway/gateway.ts'
import type { GatewayHooks } from '../emulators/apigateway/integration/hooks.ts'
import { createLocalClock, type LocalClock } from '../emulators/clock.ts'
import { type LocalDynamo, type LocalDynamoOptions, startDynamo } from '../emulators/dynamodb/dynamo.ts'
import { connectDynamo } from '../emulators/dynamodb/remote/remote-dynamo.ts'
import { createFunctions, type LocalFunctions } from '../emulators/lambda/functions.ts'
import type { FunctionOptions } from '../emulators/lambda/invocations/lambda-function.ts'
import { type Resources, withResources } from '../emulators/resources.ts'
import { FaultLayer } from '../faults/faults.ts'
import type { Inspector } from '../inspector/inspector.ts'
import {
  delayedSettings,
  delayQueueSettings,
  functionSettings,
  type LineFunction,
  lineFunctions,
  routes,
  streamSettings,
} from './deployment.ts'
import { storeLimit } from './store-limit.ts'

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
  readonly onError?: Parameters<typeof createFunctions>[0]['onError']
}

/** The emulators of a line, wired as a deployment wires them. Its functions are registered later, with `serve`. */
export interface Stack {
  readonly clock: LocalClock
  readonly gateway: LocalGateway
  readonly functions: LocalFunctions
  readonly dynamo: LocalDynamo
  readonly faults: FaultLayer
  readonly table: string
  /** The backend of a deployed function: real SDK clients over HTTP. */
  readonly functionBackend: Backend
  /** The backend of a script with this line's credentials. It has no gateway, so the stream delivers. */
  readonly scriptBackend: Backend
  /** The environment of a function. */
  readonly environment: Readonly<Record<string, string>>
  /** The environment of a script, without the gateway. */
  readonly scriptEnvironment: Readonly<Record<string, string>>
  serve(run: (name: LineFunction) => FunctionOptions['run'] | undefined): void
  idle(): Promise<void>
  close(): Promise<void>
}

const region = 'local-1'
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
let tables = 0

/** Starts and connects gateway, functions and table. Rejects with the system's error when the given port is in use. */
export function startStack(options: StackOptions): Promise<Stack> {
  return withResources((resources) => openStack(options, resources))
}

async function openStack(options: StackOptions, resources: Resources): Promise<Stack> {
  // local clients do not run on Lambda's Node version
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const clock = createLocalClock(options.seed === undefined ? {} : { seed: options.seed })
  await resources.add(clock, () => clock.close())
  const faults = new FaultLayer(clock)
  const inspector = options.inspector?.(clock)
  const { seed, dataDir, dynamodb, onError } = options
  if (dataDir !== undefined && dynamodb !== undefined)
    throw new TypeError(`Expected either a data folder or another DynamoDB, got both: ${dataDir} and ${dynamodb}.`)
  const table = nameTable(options)
  let closing = false
  const starting = createFunctions({
    clock,
    intercept: (service) => faults.intercept(service),
    ...(seed === undefined ? {} : { seed }),
    // An error caused by closing the line is not an application error.
    ...(onError && { onError: (report: Parameters<typeof onError>[0]) => closing || onError(report) }),
  })
  const functions = await resources.add(starting, (started) => started.close())
  const opening = openDynamo(options, {
    clock,
    intercept: faults.intercept('dynamodb'),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(inspector && { onUse: inspector.used }),
  })
  const listening = startGateway({
    ...options.gateway,
    clock,
    region,
    routes: options.routes ?? routes,
    authorizer: { functionName: 'authorizer', identitySource: [] },
    invoke: functions.invoke,
    hooks: {
      ...faults.gatewayHooks,
      intercept: faults.intercept('apigateway'),
      ...(inspector && combineHooks(inspector, faults)),
      ...(options.onRejectedUpgrade && { rejectedUpgrade: options.onRejectedUpgrade }),
    },
    ...(options.port === undefined ? {} : { port: options.port }),
    ...((inspector ?? options.http) && {
      http: (request, response) =>
        inspector?.http(request, response) === true || options.http?.(request, response) === true,
    }),
  })
  const [dynamo, gateway] = await Promise.all([
    resources.add(opening, (opened) => opened.close()),
    resources.add(listening, (opened) => opened.close()),
  ])
  await dynamo.createTable(lineTable(table))
  await dynamo.enableTtl(table, 'expires')
  if (inspector !== undefined) {
    functions.hooks.ran = inspector.ran
    dynamo.stream(table).onRecord(inspector.record)
    inspector.attach({ connections: gateway.connections, faults })
  }
  functions.hooks.invoke = faults.functionHook
  functions.hooks.queued = faults.queueHook
  const delayQueueUrl = functions.queueUrl(delayQueueSettings.name)
  faults.attach(gateway, functions)

  const scriptEnvironment = {
    TRUNKLINE_TABLE: table,
    TRUNKLINE_DELIVER: 'deliver',
    TRUNKLINE_WORKER: 'worker',
    TRUNKLINE_DELAY_QUEUE_URL: delayQueueUrl,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: functions.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: dynamo.endpoint,
    AWS_ENDPOINT_URL_SQS: functions.sqs.endpoint,
    TRUNKLINE_FAILURES: functions.sqs.failuresUrl,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  }
  const endpoints = {
    endpoint: dynamo.endpoint,
    lambdaEndpoint: functions.endpoint,
    sqsEndpoint: functions.sqs.endpoint,
  }
  const aws = { table, region, credentials, ...endpoints }
  const invocations = { deliverFunction: 'deliver', workerFunction: 'worker', delayQueueUrl }
  const script = awsBackend({ ...aws, ...invocations, clock })
  return {
    clock,
    gateway,
    functions,
    dynamo,
    faults,
    table,
    functionBackend: faults.bind(awsBackend({ ...aws, ...invocations, callbackUrl: gateway.callbackUrl, clock })),
    scriptBackend: { ...script, store: storeLimit.ofScript(script.store) },
    environment: {
      ...scriptEnvironment,
      TRUNKLINE_CALLBACK_URL: gateway.callbackUrl,
      TRUNKLINE_ORIGINS: [...ownOrigins(gateway), ...givenOrigins()].join(','),
    },
    scriptEnvironment,
    serve(run) {
      for (const name of lineFunctions) {
        const how = run(name)
        if (how !== undefined) functions.register({ name, ...functionSettings[name], run: how })
      }
      const { handler, ...delayed } = delayedSettings
      const consumer = run(handler)
      if (consumer !== undefined) {
        functions.register({ ...delayed, run: consumer })
        functions.mapQueue(delayQueueSettings)
      }
      const filter = (record: Parameters<NonNullable<typeof streamSettings.filter>>[0]) =>
        streamSettings.filter?.(record) === true && faults.passesRecord()
      functions.mapStream({ ...streamSettings, filter, stream: dynamo.stream(table), functionName: 'tableStream' })
    },
    idle: () => idle({ gateway, functions, faults, dynamo }),
    async close() {
      closing = true
      await gateway.close()
      await functions.close()
      await dynamo.close()
      clock.close()
    },
  }
}

/**
 * The table's name. A table in memory is unique in this process; a table at another DynamoDB is unique among processes.
 */
function nameTable({ dataDir, dynamodb, keepsTables }: StackOptions): string {
  if (dataDir !== undefined || (dynamodb !== undefined && keepsTables === true)) return 'trunkline'
  const name = `trunkline-${process.pid}-${++tables}`
  return dynamodb === undefined ? name : `${name}-${Date.now().toString(36)}`
}

function openDynamo(
  { dynamodb: endpoint, keepsTables = false, transactionConflicts = false, streamRecords }: StackOptions,
  own: LocalDynamoOptions,
): Promise<LocalDynamo> {
  if (endpoint === undefined)
    return startDynamo({ ...own, transactionConflicts, ...(streamRecords !== undefined && { streamRecords }) })
  return connectDynamo({ endpoint, region, credentials, keepsTables, clock: own.clock })
}

interface IdleSources extends Pick<Stack, 'gateway' | 'functions' | 'dynamo'> {
  readonly faults: FaultLayer
}

/** Combines the hooks of the inspector and of the faults. Both need the end of a connection. */
function combineHooks(inspector: Inspector, faults: FaultLayer): GatewayHooks {
  return {
    ...inspector.gateway,
    ended(info) {
      faults.gatewayHooks.ended?.(info)
      inspector.gateway.ended(info)
    },
  }
}

/** The origins of the page that this line serves. They are allowed by default. */
export function ownOrigins({ port }: LocalGateway): readonly string[] {
  return [`http://127.0.0.1:${port}`, `http://localhost:${port}`]
}

/** The allowed origins from this process's environment: pages that another server delivers, such as Vite's. */
function givenOrigins(): readonly string[] {
  return (process.env['TRUNKLINE_ORIGINS'] ?? '').split(',').flatMap((origin) => origin.trim() || [])
}

/**
 * Resolves when gateway, functions and streams are idle, and no activity was seen while that was determined: messages
 * between them cross real sockets.
 */
async function idle({ gateway, functions, faults, dynamo }: IdleSources): Promise<void> {
  let before: number
  let isNew: boolean | undefined
  do {
    before = faults.seen()
    await Promise.all([gateway.idle(), functions.idle()])
    isNew = await dynamo.settled?.()
    await new Promise((resolve) => setTimeout(resolve, 2)) // a frame on a loopback socket arrives within 2 ms
  } while (isNew === true || faults.seen() !== before)
}
