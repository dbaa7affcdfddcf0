import type { ReadEncoder } from '../../packages/server/src/runtime/reads/encoder.ts'

/**
 * Chunks that are base64, as bytes. Events of text hold the text; those of other bytes hold base64, as the protocol has
 * it.
 */
export function bytesOf(contentType: string): ReadEncoder {
  const isText = /^text\//i.test(contentType)
  const joined = (messages: readonly (string | Uint8Array)[]) =>
    Buffer.concat(messages.map((each) => Buffer.from(each)))
  return {
    contentType,
    message: (value) => Buffer.from(String(value), 'base64'),
    body: joined,
    event: (messages) => joined(messages).toString(isText ? 'utf8' : 'base64'),
    ...(!isText && { eventEncoding: 'base64' }),
  }
}
