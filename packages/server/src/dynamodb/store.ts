import type { ErasureStore } from '../ports/erasure.ts'
import { createSlotReader } from '../ports/event-row.ts'
import { type Store, StoreError, type StoreRefusal } from '../ports/store.ts'
import { connectionOperations } from './ports/connections.ts'
import { erasureOperations } from './ports/erasure.ts'
import { idempotencyOperations } from './ports/idempotency.ts'
import { leaseOperations } from './ports/leases.ts'
import { logOperations } from './ports/log.ts'
import { presenceOperations } from './ports/presence.ts'
import { principalOperations } from './ports/principals.ts'
import { rateOperations } from './ports/rates.ts'
import { streamOperations } from './ports/streams.ts'
import { subscriberOperations } from './ports/subscribers.ts'
import { subscriptionOperations } from './ports/subscriptions.ts'
import { uploadOperations } from './ports/uploads.ts'
import { createSend, isRefusal, NotSentError } from './requests/client.ts'
import type { DynamoStoreOptions } from './requests/options.ts'
import { createRequests } from './requests/requests.ts'
import { createScan } from './requests/scan.ts'

export type { DynamoStoreOptions } from './requests/options.ts'

/**
 * The port of erasures in a DynamoDB table, for scripts. It needs the actions `dynamodb:Scan` and
 * `dynamodb:DescribeTable` in addition to the store's. Operations reject with a `StoreError`.
 * @default requestTimeoutMs is 10 s, since a page of a scan has up to 1 MB
 */
export function createDynamoErasure(options: DynamoStoreOptions): ErasureStore {
  const scanning = { requestTimeoutMs: 10_000, ...options }
  const send = createSend(scanning)
  return withStoreErrors(erasureOperations(createRequests(scanning, send), createScan(send, options.table)))
}

/**
 * The store in a DynamoDB table (see `lineTable`). One SDK client serves it, which is imported and created with the
 * first request. Every operation is one request, plus one if a failed condition did not return the item, and as many as
 * pages or batches need. A request is tried up to three times, within four times `requestTimeoutMs`. Operations reject
 * with a `StoreError`.
 */
export function createDynamoStore(options: DynamoStoreOptions): Store {
  const requests = createRequests(options)
  const readSlot = createSlotReader(options.log)
  return {
    kind: 'dynamodb',
    ...withStoreErrors({
      ...logOperations(requests, readSlot),
      ...connectionOperations(requests),
      ...subscriptionOperations(requests, readSlot),
      ...subscriberOperations(requests),
      ...idempotencyOperations(requests),
      ...presenceOperations(requests),
      ...leaseOperations(requests),
      ...rateOperations(requests),
      ...uploadOperations(requests),
      ...principalOperations(requests),
      ...streamOperations(requests),
    }),
  }
}

/** The same operations, each rejecting with a `StoreError` and nothing else. */
function withStoreErrors<Operations extends object>(operations: Operations): Operations {
  const wrapped = Object.entries(operations).map(([name, operation]) => [
    name,
    async (...args: never[]) => {
      try {
        return await (operation as (...args: never[]) => Promise<unknown>)(...args)
      } catch (cause) {
        const key = name as StoreError['operation']
        throw new StoreError(key, !isRead(key) && mayHaveHappened(cause), { cause, refused: refusalOf(cause) })
      }
    },
  ])
  return Object.fromEntries(wrapped) as Operations // one for each of the operations above
}

const isRead = (operation: StoreError['operation']) => /^(?:read|find|count)|^hasReceipts$/.test(operation)

/** False only if no try can have written: none was sent, or the service refused each. */
function mayHaveHappened(error: unknown): boolean {
  return !(error instanceof NotSentError || isRefusal(error))
}

const invalid = new Set(['ValidationException', 'SerializationException'])
const tooLarge = new Set(['ItemCollectionSizeLimitExceededException', 'RequestEntityTooLargeException'])

/**
 * Why DynamoDB refused a request for its content, or that it has no such table; undefined for every other error.
 * DynamoDB has one error for content that is too large and for content that is otherwise invalid: only its message says
 * which.
 */
function refusalOf(error: unknown): StoreRefusal | undefined {
  const { name, message, $metadata } = error as Error & { readonly $metadata?: Metadata }
  if (tooLarge.has(name) || $metadata?.httpStatusCode === 413) return 'too-large'
  if (name === 'ResourceNotFoundException') return 'no-table'
  if (!invalid.has(name)) return undefined
  return /\bsize\b.*\b(exceed|limit)|\bexceed\w*\b.*\bsize\b/i.test(message) ? 'too-large' : 'invalid'
}

interface Metadata {
  readonly httpStatusCode?: number
}
