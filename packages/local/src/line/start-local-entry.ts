import type { AnyTRPCRouter } from '@trpc/server'
import { checkOptionNames, defined } from '@trunkline/protocol'
import { runWithBackend } from '@trunkline/server/internal'
import { createWorkerPool, type WorkerPool } from '../emulators/lambda/runtime/worker-pool.ts'
import { type Resources, withResources } from '../emulators/resources.ts'
import type { LocalLine } from './local-line.ts'
import { printFailure } from './print-failure.ts'
import { toReopenable } from './reopenable-line.ts'
import { type LocalOptions, localNames, type Stack, type StackOptions, startStack } from './stack.ts'
import { guardBackend, toLocalLine } from './start-local-line.ts'
import { mapUserTable, type UserTable } from './user-table.ts'

/** The options of `startLocalEntry`. */
export interface EntryOptions extends LocalOptions {
  /**
   * The module that exports the functions: `authorizer`, `websocket`, `tableStream`, `deliver`, `worker`, or one
   * `handler` for all of them.
   */
  readonly entry: string
  /** Application tables whose streams are mapped to exports of the entry. @default none */
  readonly tables?: readonly EntryTable[]
  /**
   * The number of concurrent runs of each background function: `worker` (long calls and generators), `deliver`,
   * `delayed`, `tableStream`, and each source handler. Further runs wait in order of arrival. Frames do not wait for
   * them. @default 16
   */
  readonly backgroundRuns?: number
}

const entryNames: Readonly<Record<keyof EntryOptions, true>> = {
  ...localNames,
  entry: true,
  tables: true,
  backgroundRuns: true,
}

/**
 * An application table, and the entry's export that consumes its stream (made by `createSourceHandler`). Without
 * `handler`, the stream has no consumer.
 */
export interface EntryTable extends UserTable {
  readonly name: string
  readonly handler?: string
}

/**
 * Starts a line whose functions run in worker threads, as deployed: they can be killed and reloaded. Throws an `Error`
 * when the entry exports none of the functions, and a `TypeError` when `backgroundRuns` is not a whole number from 1.
 */
export async function startLocalEntry<R extends AnyTRPCRouter>(options: EntryOptions): Promise<LocalLine<R>> {
  checkOptionNames('startLocalEntry', options, entryNames)
  return toReopenable<R>(async (port) => {
    const { stack, pool } = await startEntryStack({
      onError: printFailure,
      ...options,
      ...defined({ port }),
    })
    return toLocalLine<R>(stack, {
      run: (fn) => runWithBackend(stack.scriptBackend, fn),
      around: (invocation, call) => runWithBackend(guardBackend(stack.functionBackend, invocation), call),
      release: () => pool.close(),
    })
  }, options.port)
}

type PoolOptions = Parameters<typeof createWorkerPool>[0]

/** Starts a stack whose functions run in the workers of an entry. */
export function startEntryStack(
  options: EntryStackOptions,
): Promise<{ readonly stack: Stack; readonly pool: WorkerPool }> {
  return withResources((resources) => openEntryStack(options, resources))
}

type EntryStackOptions = EntryOptions & StackOptions & Pick<PoolOptions, 'watch' | 'onReload' | 'onLog' | 'conditions'>

async function openEntryStack(options: EntryStackOptions, resources: Resources) {
  const { entry, watch, onReload, onLog, conditions, backgroundRuns } = options
  checkBackgroundRuns(backgroundRuns)
  const stack = await resources.add(startStack(options), (started) => started.close())
  const starting = createWorkerPool({
    entry,
    clock: stack.clock,
    // Metrics are lines on the console, which the local line does not read.
    env: { POWERTOOLS_METRICS_DISABLED: 'true', ...definedEnvironment(), ...stack.environment },
    ...defined({ watch, conditions, backgroundRuns, onReload, onLog }),
  })
  const pool = await resources.add(starting, (started) => started.close())
  serve(stack, pool, entry)
  for (const table of options.tables ?? []) await serveTable(stack, pool, { ...table, entry })
  return { stack, pool }
}

function serve(stack: Stack, pool: WorkerPool, entry: string): void {
  const exported = pool.exports()
  if (!exported.includes('websocket') && !exported.includes('handler'))
    throw new Error(
      `Expected ${entry} to export websocket or handler, got ${exported.join(', ') || 'no exports'}. Write export const { handler } = createLambdaHandlers({ … }).`,
    )
  stack.serve((name) => {
    const wanted = name === 'http' && exported.includes('httpStream') ? 'httpStream' : name
    const exportName = exported.includes(wanted) ? wanted : 'handler'
    return exported.includes(exportName) ? { kind: 'worker', pool, exportName } : undefined
  })
}

async function serveTable(
  stack: Stack,
  pool: WorkerPool,
  { entry, handler, ...table }: EntryTable & { readonly entry: string },
): Promise<void> {
  if (handler === undefined) return void (await mapUserTable(stack, table, undefined))
  if (!pool.exports().includes(handler))
    throw new Error(
      `Expected ${entry} to export ${handler}, the handler of table ${table.name}. Export what createSourceHandler returns.`,
    )
  await mapUserTable(stack, table, { kind: 'worker', pool, exportName: handler })
}

/** Throws a `TypeError` unless the count is undefined or a whole number from 1. */
export function checkBackgroundRuns(count: number | undefined): void {
  if (count === undefined || (Number.isSafeInteger(count) && count >= 1)) return
  throw new TypeError(`Expected backgroundRuns to be a whole number from 1, got ${count}.`)
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
