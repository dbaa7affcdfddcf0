import { setImmediate as nextIteration, setTimeout as sleep } from 'node:timers/promises'
import { startLocalLine } from '@trunkline/local'
import { awsBackend } from '@trunkline/server/aws'
import { createMemoryStore } from '@trunkline/server/memory'
import type { Store } from '@trunkline/server/ports'
import { line, router } from './application.ts'
import { findDynamoLocal, startDynamoLocal } from './dynamodb-local.ts'

/** A place that keeps the log. */
export interface Place {
  readonly id: string
  readonly name: string
  /** Why it cannot be measured here. @default it can */
  missing?(): string | undefined
  open(): Promise<{ readonly store: Store; close(): Promise<void> }>
}

/** A request to DynamoDB from a function of the same region takes a few milliseconds. */
const requestMs = 4

/** The places, from the fastest. */
export const places: readonly Place[] = [
  { id: 'memory', name: 'memory', open: async () => ({ store: slowed(0), close: async () => {} }) },
  {
    id: 'memory-4ms',
    name: `memory with ${requestMs} ms for each request`,
    open: async () => ({ store: slowed(requestMs), close: async () => {} }),
  },
  { id: 'local', name: 'the local line', open: () => openLine() },
  {
    id: 'dynamodb-local',
    name: 'DynamoDB Local',
    missing: () =>
      findDynamoLocal() === undefined
        ? 'it or Java is not installed: `npm run test:long` installs it, or set TRUNKLINE_DYNAMODB_LOCAL to its folder.'
        : undefined,
    async open() {
      const server = await startDynamoLocal(findDynamoLocal() ?? '')
      const opened = await openLine(server.endpoint)
      return {
        store: opened.store,
        async close() {
          await opened.close()
          await server.close()
        },
      }
    },
  },
]

/** A store in memory that answers each request after `ms`, or in a later iteration of the event loop. */
function slowed(ms: number): Store {
  const store = createMemoryStore()
  const wait = ms === 0 ? () => nextIteration() : () => sleep(ms)
  const slow =
    (work: (...args: never[]) => Promise<unknown>) =>
    async (...args: never[]) => {
      await wait()
      return work(...args)
    }
  return Object.fromEntries(
    Object.entries(store).map(([name, member]) => [name, typeof member === 'function' ? slow(member) : member]),
  ) as unknown as Store
}

async function openLine(dynamodb?: string) {
  const local = await startLocalLine({ router, line, ...(dynamodb !== undefined && { dynamodb }) })
  const {
    TRUNKLINE_TABLE: table = '',
    AWS_REGION: region = '',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
  } = local.environment
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const { store } = awsBackend({ table, region, credentials, endpoint: dynamodb ?? endpoint ?? '' })
  return { store, close: () => local.close() }
}
