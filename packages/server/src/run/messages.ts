/** The messages that carry `frames`: one for a client that declared extensions, one each for a stock client, which knows no arrays from a server. */
// [TL-HS-5] [TL-STOCK-1]
export function toMessages(frames: readonly string[], extensions: boolean): readonly string[] {
  const first = frames[0]
  if (first === undefined) return []
  if (!extensions) return frames
  return [frames.length === 1 ? first : `[${frames.join(',')}]`]
}
