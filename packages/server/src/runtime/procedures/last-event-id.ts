/** [TL-STOCK-3] As tRPC does: into an object, in the place of nothing, not at all into the rest. Our client sends the cursor outside the input, since strict schemas refuse an extra member. */
export function withLastEventId(input: unknown, lastEventId: string | undefined): unknown {
  if (lastEventId === undefined) return input
  if (input === undefined || input === null) return { lastEventId }
  return typeof input === 'object' && !Array.isArray(input) ? { ...input, lastEventId } : input
}
