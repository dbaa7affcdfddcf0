import { type ChunkFrame, limits, toChunks } from '@trunkline/protocol'

/**
 * The chunks of a frame as our own client makes them, parsed. `text` replaces the frame's own text, to make it wrong.
 */
export function chunked(
  frame: { readonly id: string | number },
  { message = 'm1', text = JSON.stringify(frame) }: { readonly message?: string; readonly text?: string } = {},
): readonly ChunkFrame[] {
  const texts = toChunks({ id: frame.id, message, text }, limits.frameBytes.value)
  return texts.map((part) => JSON.parse(part) as ChunkFrame)
}

/** The same, with a part less here or there: small enough to be looked at, and in exactly `of` parts. */
export function inParts(frame: { readonly id: string | number }, of: number): readonly ChunkFrame[] {
  const text = JSON.stringify(frame).padEnd((of - 1) * limits.partBytes.value)
  const size = Math.ceil(text.length / of)
  return Array.from({ length: of }, (_, part) => ({
    id: frame.id,
    method: 'chunk',
    params: { message: 'm1', part, of, bytes: text.length, text: text.slice(part * size, (part + 1) * size) },
  }))
}

/** The frames that a client got, with their chunks put together in the order of their parts. */
export function joined(frames: readonly unknown[]): readonly unknown[] {
  const chunks = frames.filter(isChunk)
  const names = new Set(chunks.map(({ params }) => params.message))
  const whole = [...names].flatMap((name) => {
    const parts = chunks.filter(({ params }) => params.message === name)
    const texts = parts.sort((a, b) => a.params.part - b.params.part).map(({ params }) => params.text)
    return JSON.parse(texts.join('')) as unknown
  })
  return [...frames.filter((frame) => !isChunk(frame)), ...whole]
}

function isChunk(frame: unknown): frame is ChunkFrame {
  return (frame as { readonly method?: string }).method === 'chunk'
}
