import type { InvokeResult } from '../invocations/lambda-function.ts'

/**
 * Reads a stream function's result for a batch: the batch succeeded, or the record at `index` and all after it failed
 * (`index` 0: the whole batch).
 *
 * AWS's rules: an empty or null list, and a result that is null or has no list, mean success. An identifier that is
 * empty, null, under another key or not in the batch fails the whole batch. Of several identifiers, the lowest sequence
 * number counts.
 */
export function readBatchAnswer(
  payload: unknown,
  sequenceNumbers: readonly string[],
): 'succeeded' | { readonly index: number } {
  const failures = failuresIn(payload)
  if (failures === undefined) return { index: 0 }
  if (failures.length === 0) return 'succeeded'
  // a batch is in its shard's order, so the lowest index has the lowest sequence number
  const indexes = failures.map((failure) => sequenceNumbers.indexOf(identifierOf(failure) ?? ''))
  return { index: Math.max(0, Math.min(...indexes)) }
}

/** The ids of a queue's messages that failed: all of them after an error or a malformed list. */
export function readFailedIds(result: InvokeResult, ids: readonly string[]): ReadonlySet<string | undefined> {
  if (result.status !== 'ok') return new Set(ids)
  if (typeof result.payload !== 'object') return new Set()
  const failed = failuresIn(result.payload)?.map(identifierOf)
  return new Set(failed?.every((id) => ids.includes(id ?? '')) ? failed : ids)
}

/** The `batchItemFailures` of a function's result. Undefined when the result or its list is malformed. */
function failuresIn(payload: unknown): readonly unknown[] | undefined {
  if (payload === null || payload === undefined) return []
  if (typeof payload !== 'object') return undefined
  const failures = 'batchItemFailures' in payload ? payload.batchItemFailures : null
  if (failures === null || failures === undefined) return []
  return Array.isArray(failures) ? failures : undefined
}

/** Undefined for an entry without an identifier. */
function identifierOf(failure: unknown): string | undefined {
  if (typeof failure !== 'object' || failure === null || !('itemIdentifier' in failure)) return undefined
  return typeof failure.itemIdentifier === 'string' ? failure.itemIdentifier : undefined
}
