import type { AnyTRPCRouter } from '@trpc/server'
import { checkNearNames, defined } from '@trunkline/protocol'
import { type AuthorizeResult, type anonymous, createLine, type Line } from '@trunkline/server'
import { internalsOf, loadParts, parseDuration, serveNames } from '@trunkline/server/internal'
import { type AwsHandler, createLambdaHandlers, type LambdaOptions } from '@trunkline/server/lambda'
import type { Backend } from '@trunkline/server/ports'
import type { Invocation } from '../emulators/lambda/invocations/invocation.ts'
import { type Resources, withResources } from '../emulators/resources.ts'
import type { LineFunction } from './deployment.ts'
import { ownOrigins } from './line-environment.ts'
import { createConnector, type LocalConnectOptions } from './local-client.ts'
import type { LocalLine } from './local-line.ts'
import { printFailure } from './print-failure.ts'
import { type RunningLine, toReopenable } from './reopenable-line.ts'
import { settle } from './settle.ts'
import { type LocalOptions, localNames, type Stack, startStack } from './stack.ts'
import { storeLimit } from './store-limit.ts'
import { mapUserTable } from './user-table.ts'

/**
 * Starts a line in this process. Its functions run inside `line.withBackend`, so several local lines of one `line` can
 * run at the same time.
 */
export async function startLocalLine<R extends AnyTRPCRouter, V extends AuthorizeResult = typeof anonymous>(
  options: LambdaOptions<R, V> & LocalOptions,
): Promise<LocalLine<R>> {
  checkNearNames('startLocalLine', options, { ...serveNames, ...localNames })
  const line = options.line ?? createLine()
  await loadParts() // a file is read in real time, while the clock of a test may be moved
  return toReopenable((port) => runLine({ ...options, line }, port), options.port)
}

function runLine<R extends AnyTRPCRouter, V extends AuthorizeResult>(
  options: LambdaOptions<R, V> & LocalOptions & { readonly line: Line },
  port: number | undefined,
): Promise<RunningLine<R>> {
  return withResources((resources) => openLine(options, port, resources))
}

async function openLine<R extends AnyTRPCRouter, V extends AuthorizeResult>(
  options: LambdaOptions<R, V> & LocalOptions & { readonly line: Line },
  port: number | undefined,
  resources: Resources,
): Promise<RunningLine<R>> {
  const { line } = options
  const { port: _, dataDir, dynamodb, transactionConflicts, streamRecords, seed, gateway, ...served } = options
  const starting = startStack({
    onError: printFailure,
    ...defined({ port, dataDir, dynamodb, transactionConflicts, streamRecords, seed, gateway }),
  })
  const stack = await resources.add(starting, (started) => started.close())
  const origins = [...[options.origins ?? []].flat(), ...ownOrigins(stack.gateway)]
  const handlers = createLambdaHandlers<R, V>({ ...(served as LambdaOptions<R, V>), origins })
  const around: Around = (invocation, call) => {
    const { functionBackend } = stack
    return line.withBackend(
      guardBackend({ ...functionBackend, store: storeLimit.ofInvocation(functionBackend.store) }, invocation),
      call,
    )
  }
  const handlerOf = (name: LineFunction) => (name === 'http' ? handlers.httpStream : handlers[name]) as AwsHandler // a marked one gets its stream too
  stack.serve((name) => ({ kind: 'in-process', handler: handlerOf(name), around }))
  const release = internalsOf(line).hold(
    'A local line of this line is open, so calls outside of it may not reach the table of the environment. Run this code inside local.run(() => …).',
  )
  return toLocalLine<R>(stack, {
    run: (fn) => line.withBackend(stack.scriptBackend, fn),
    around,
    transformer: options.router._def._config.transformer,
    release,
  })
}

/** Runs a handler in this process with the backend of its invocation. */
type Around = (invocation: Invocation, call: () => Promise<unknown>) => Promise<unknown>

/** Disconnects the ports when the invocation is killed. The clock is not guarded, because reading it has no effect. */
export function guardBackend(backend: Backend, invocation: Invocation): Backend {
  return {
    ...backend,
    store: invocation.guard(backend.store),
    ...defined({
      gateway: backend.gateway && invocation.guard(backend.gateway),
      invoker: backend.invoker && invocation.guard(backend.invoker),
    }),
  }
}

/** Creates the line's handle for a stack whose functions are registered. */
export function toLocalLine<R extends AnyTRPCRouter>(
  stack: Stack,
  options: {
    readonly run: <T>(fn: () => T) => T
    readonly around: Around
    readonly transformer?: LocalConnectOptions['transformer']
    readonly release: () => unknown
  },
): RunningLine<R> {
  const connector = createConnector<R>(stack, options.transformer)
  let closed: Promise<void> | undefined
  const end = async () => {
    await connector.close()
    await stack.close()
    options.release()
  }
  const close = () => {
    closed ??= end()
    return closed
  }
  return {
    url: stack.gateway.url,
    httpUrl: stack.gateway.callbackUrl,
    connect: connector.connect,
    run: options.run,
    environment: stack.scriptEnvironment,
    table: (table, handler) =>
      mapUserTable(stack, table, handler && { kind: 'in-process', handler, around: options.around }),
    faults: stack.faults,
    clock: {
      now: stack.clock.now,
      advance: (by) => stack.clock.advance(parseDuration(by), () => settle(stack)),
    },
    idle: stack.idle,
    notify: () => notifyAll(stack),
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function notifyAll({ gateway, functionBackend }: Stack): Promise<void> {
  const notice = JSON.stringify({ id: null, method: 'reconnect' })
  await Promise.all(
    gateway.connections().map(({ connectionId }) => functionBackend.gateway?.post(connectionId, notice)),
  )
}
