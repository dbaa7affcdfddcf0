import { createSlotReader } from '../ports/event-row.ts'
import { type Store, StoreError, type StoreRefusal } from '../ports/store.ts'
import { connectionOperations } from './ports/connections.ts'
import { keyRowOperations } from './ports/key-rows.ts'
import { logOperations } from './ports/log.ts'
import { presenceOperations } from './ports/presence.ts'
import { shardLeaseOperations } from './ports/shard-leases.ts'
import { subscriberOperations } from './ports/subscribers.ts'
import { syncStateOperations } from './ports/sync-states.ts'
import { uploadOperations } from './ports/uploads.ts'
import { isRefusal, NotSentError } from './requests/client.ts'
import type { DynamoStoreOptions } from './requests/options.ts'
import { createRequests } from './requests/requests.ts'

export type { DynamoStoreOptions } from './requests/options.ts'

type Operations = Omit<Store, 'kind'>

/**
 * The line's memory in a DynamoDB table (see `lineTable`). The SDK is imported with the first request, and one client serves the store.
 * Every operation is one request; one more where a failed condition did not bring the item, and for what one page or batch cannot hold.
 */
export function createDynamoStore(options: DynamoStoreOptions): Store {
  const requests = createRequests(options)
  const readSlot = createSlotReader(options.log)
  return {
    kind: 'dynamodb',
    ...withStoreErrors({
      ...logOperations(requests, readSlot),
      ...connectionOperations(requests),
      ...subscriberOperations(requests),
      ...syncStateOperations(requests, readSlot),
      ...keyRowOperations(requests),
      ...uploadOperations(requests),
      ...presenceOperations(requests),
      ...shardLeaseOperations(requests),
    }),
  }
}

/** The same operations, throwing `StoreError` and nothing else. */
function withStoreErrors(operations: Operations): Operations {
  const wrapped = Object.entries(operations).map(([name, operation]) => [
    name,
    async (...args: never[]) => {
      try {
        return await (operation as (...args: never[]) => Promise<unknown>)(...args)
      } catch (cause) {
        const key = name as keyof Operations
        throw new StoreError(key, !isRead(key) && mayHaveHappened(cause), { cause, refused: refusalOf(cause) })
      }
    },
  ])
  return Object.fromEntries(wrapped) as Operations
}

const isRead = (operation: keyof Operations) => operation.startsWith('read') || operation === 'hasReceipts'

/** False only when no try can have written: none was sent, or each was refused. */
function mayHaveHappened(error: unknown): boolean {
  return !(error instanceof NotSentError || isRefusal(error))
}

const invalid = new Set(['ValidationException', 'SerializationException'])
const tooLarge = new Set(['ItemCollectionSizeLimitExceededException', 'RequestEntityTooLargeException'])

/** Whether DynamoDB refused a request for what it holds: no outage, and no other try can succeed. It has one error for items, keys and expressions that are too large and for all else that is wrong, and tells them apart in words. */
function refusalOf(error: unknown): StoreRefusal | undefined {
  const { name, message, $metadata } = error as Error & { readonly $metadata?: Metadata }
  if (tooLarge.has(name) || $metadata?.httpStatusCode === 413) return 'too-large'
  if (!invalid.has(name)) return undefined
  return /\bsize\b.*\b(exceed|limit)|\bexceed\w*\b.*\bsize\b/i.test(message) ? 'too-large' : 'invalid'
}

interface Metadata {
  readonly httpStatusCode?: number
}
