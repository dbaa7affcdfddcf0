import type { Backend } from '@trunkline/server'
import { awsBackend, lineTable } from '@trunkline/server/aws'
import { type GatewayOptions, type LocalGateway, startGateway } from '../emulators/apigateway/gateway.ts'
import type { GatewayHooks } from '../emulators/apigateway/integration/hooks.ts'
import { createLocalClock, type LocalClock } from '../emulators/clock.ts'
import { type LocalDynamo, type LocalDynamoOptions, startDynamo } from '../emulators/dynamodb/dynamo.ts'
import { connectDynamo } from '../emulators/dynamodb/remote/remote-dynamo.ts'
import { createFunctions, type LocalFunctions } from '../emulators/lambda/functions.ts'
import type { FunctionOptions } from '../emulators/lambda/invocations/lambda-function.ts'
import { type Resources, withResources } from '../emulators/resources.ts'
import { createFaultLayer, type FaultLayer } from '../faults/faults.ts'
import type { Inspector } from '../inspector/inspector.ts'
import {
  delayedSettings,
  functionSettings,
  type LineFunction,
  laterSettings,
  lineFunctions,
  routes,
  streamSettings,
} from './deployment.ts'
import { storeLimit } from './store-limit.ts'

export interface LocalOptions {
  /** @default any that is free */
  readonly port?: number
  /** Where rows live on after `close`. @default memory */
  readonly dataDir?: string
  /**
   * The address of a DynamoDB with streams that is used in place of the line's own, such as DynamoDB Local:
   * `http://localhost:8000`.
   */
  readonly dynamodb?: string
  /**
   * A transaction on a table of the application's own is cancelled when another one holds an item. @default false, it
   * waits
   */
  readonly transactionConflicts?: boolean
  /**
   * How many records each shard of a stream of the line's own DynamoDB keeps after its mappings have read them.
   * @default 250
   */
  readonly streamRecords?: number
  /** Injected into every random choice. */
  readonly seed?: number
  /** How the gateway shall be: its limits, the rates beyond which it says 429, and what is not known of the real one. */
  readonly gateway?: Pick<GatewayOptions, 'limits' | 'throttles' | 'undocumented'>
}

export interface StackOptions extends LocalOptions {
  /** Answers requests beside the line: the dev server's page. */
  readonly http?: GatewayOptions['http']
  /** Makes what watches the line and serves what it saw. @default nobody watches */
  readonly inspector?: (clock: LocalClock) => Inspector
  /** Tables at `dynamodb` are used as they are, and stay. @default false, they are new and dropped at the end */
  readonly keepsTables?: boolean
  /** Told of a handshake that reached no stage. */
  readonly onRejectedUpgrade?: GatewayHooks['rejectedUpgrade']
  /** @default those of a deployed line */
  readonly routes?: GatewayOptions['routes']
  /** Told of each function error. */
  readonly onError?: Parameters<typeof createFunctions>[0]['onError']
}

/** The parts of a line on this machine, wired as a deployment wires them; its functions are still to be given. */
export interface Stack {
  readonly clock: LocalClock
  readonly gateway: LocalGateway
  readonly functions: LocalFunctions
  readonly dynamo: LocalDynamo
  readonly faults: FaultLayer
  readonly table: string
  /** As a deployed function is bound: real SDK clients, over HTTP. */
  readonly functionBackend: Backend
  /** As a script with this line's credentials is bound: no gateway, so the stream delivers. */
  readonly scriptBackend: Backend
  /** What a function's environment says. */
  readonly environment: Readonly<Record<string, string>>
  /** What a script's environment says: no gateway. */
  readonly scriptEnvironment: Readonly<Record<string, string>>
  serve(run: (name: LineFunction) => FunctionOptions['run'] | undefined): void
  idle(): Promise<void>
  close(): Promise<void>
}

const region = 'local-1'
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
let tables = 0

/** Starts gateway, functions and table, and joins them. Rejects with the system's error when a given port is taken. */
export function startStack(options: StackOptions): Promise<Stack> {
  return withResources((resources) => openStack(options, resources))
}

async function openStack(options: StackOptions, resources: Resources): Promise<Stack> {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true' // local clients need no advice on Lambda's runtimes
  const clock = createLocalClock(options.seed === undefined ? {} : { seed: options.seed })
  await resources.add(clock, () => clock.close())
  const faults = createFaultLayer(clock)
  const inspector = options.inspector?.(clock)
  const { seed, dataDir, dynamodb, onError } = options
  if (dataDir !== undefined && dynamodb !== undefined)
    throw new TypeError(`Expected a data folder or another DynamoDB, got both ${dataDir} and ${dynamodb}.`)
  const table = nameTable(options)
  let closing = false
  const starting = createFunctions({
    clock,
    intercept: faults.intercept,
    ...(seed === undefined ? {} : { seed }),
    // What a close cuts off is no error of the application's.
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
      ...(inspector && watched(inspector, faults)),
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
  functions.hooks.later = faults.queueHook
  const delayQueueUrl = functions.queueUrl(laterSettings.name)
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
  const invoked = { deliverFunction: 'deliver', workerFunction: 'worker', delayQueueUrl }
  const script = awsBackend({ ...aws, ...invoked, clock })
  return {
    clock,
    gateway,
    functions,
    dynamo,
    faults,
    table,
    functionBackend: faults.bind(awsBackend({ ...aws, ...invoked, callbackUrl: gateway.callbackUrl, clock })),
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
        functions.mapQueue(laterSettings)
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

/** A line's table in memory has a name of its own in the process, and elsewhere one that no other process has. */
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

interface IdleParts extends Pick<Stack, 'gateway' | 'functions' | 'dynamo'> {
  readonly faults: FaultLayer
}

/** The inspector's watch beside the faults': both want to hear of a connection's end. */
function watched(inspector: Inspector, faults: FaultLayer): GatewayHooks {
  return {
    ...inspector.gateway,
    ended(info) {
      faults.gatewayHooks.ended?.(info)
      inspector.gateway.ended(info)
    },
  }
}

/** The page that this line serves is an allowed origin by itself. */
export function ownOrigins({ port }: LocalGateway): readonly string[] {
  return [`http://127.0.0.1:${port}`, `http://localhost:${port}`]
}

/** Those of this process's environment: a page that another server delivers, such as Vite's. */
function givenOrigins(): readonly string[] {
  return (process.env['TRUNKLINE_ORIGINS'] ?? '').split(',').flatMap((origin) => origin.trim() || [])
}

/** Nothing is under way at either, and nothing came up while that was found out: what one hands to the other crosses a real socket. */
async function idle({ gateway, functions, faults, dynamo }: IdleParts): Promise<void> {
  let before: number
  let isNew: boolean | undefined
  do {
    before = faults.seen()
    await Promise.all([gateway.idle(), functions.idle()])
    isNew = await dynamo.settled?.()
    await new Promise((resolve) => setTimeout(resolve, 2)) // a frame on a loopback socket arrives within it
  } while (isNew === true || faults.seen() !== before)
}
