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
  if (payload === null || payload === undefined) return 'succeeded'
  if (typeof payload !== 'object') return { index: 0 }
  const failures = 'batchItemFailures' in payload ? payload.batchItemFailures : null
  if (failures === null || failures === undefined) return 'succeeded'
  if (!Array.isArray(failures)) return { index: 0 }
  if (failures.length === 0) return 'succeeded'
  return { index: Math.max(0, Math.min(...failures.map((failure) => indexOf(failure, sequenceNumbers)))) }
}

/**
 * −1 for an identifier that names no record. A batch is in its shard's order, so the lowest index has the lowest
 * sequence number.
 */
function indexOf(failure: unknown, sequenceNumbers: readonly string[]): number {
  if (typeof failure !== 'object' || failure === null || !('itemIdentifier' in failure)) return -1
  return sequenceNumbers.findIndex((number) => Object.is(number, failure.itemIdentifier))
}
