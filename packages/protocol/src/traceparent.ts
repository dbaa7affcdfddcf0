const shape = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The text when it is a W3C `traceparent` of 55 characters; undefined for everything else, which is passed over. */
// [TL-TRACE-1]
export function parseTraceparent(value: unknown): string | undefined {
  return typeof value === 'string' && value.length === 55 && shape.test(value) ? value : undefined
}
