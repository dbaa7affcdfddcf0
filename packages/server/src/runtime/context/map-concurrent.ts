/**
 * Runs `work` for each item, at most `concurrency` of them at the same time, in the order of the items. Returns the
 * results in that order. Rejects with the first error; items that have not begun are then still processed.
 */
export async function mapConcurrent<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = []
  const remaining = items.entries() // all workers share it
  const worker = async () => {
    for (const [index, item] of remaining) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker))
  return results
}
