/** The form in which readers get the messages of a log. */
export interface ReadEncoder {
  readonly contentType: string
  /** Encodes one message. Throws for a value that has no such form. */
  message(value: unknown): Encoded
  /** The body of a page. */
  body(messages: readonly Encoded[]): Encoded
  /** What one `data` event holds. */
  event(messages: readonly Encoded[]): string
  /** Said of `event` in the header `Stream-SSE-Data-Encoding`. @default none */
  readonly eventEncoding?: string
}

/** Text in UTF-8, or bytes. */
export type Encoded = string | Uint8Array

/** Messages as JSON. A page is an array of them. The router's transformer does not take part. */
// [TL-READ-3]
export const json: ReadEncoder = {
  contentType: 'application/json',
  message(value) {
    const text: string | undefined = JSON.stringify(value)
    if (text === undefined) throw new TypeError(`Expected a message that is JSON, got ${typeof value}.`)
    return text
  },
  body: (messages) => `[${messages.join(',')}]`,
  event: (messages) => `[${messages.join(',')}]`,
}
