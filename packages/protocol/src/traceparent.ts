const shape = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Returns the value if it is a W3C `traceparent` of 55 characters, else undefined. [TL-TRACE-1] */
export function parseTraceparent(value: unknown): string | undefined {
  return typeof value === 'string' && value.length === 55 && shape.test(value) ? value : undefined
}
