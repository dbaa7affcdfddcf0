/**
 * [TL-STOCK-3] Merges `lastEventId` into an input as tRPC does: into an object, or as the only member of an absent
 * input; any other input stays as it is. Trunkline's client sends the cursor outside of the input, since strict schemas
 * reject an additional member.
 */
export function withLastEventId(input: unknown, lastEventId: string | undefined): unknown {
  if (lastEventId === undefined) return input
  if (input === undefined || input === null) return { lastEventId }
  return typeof input === 'object' && !Array.isArray(input) ? { ...input, lastEventId } : input
}
