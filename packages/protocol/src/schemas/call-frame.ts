import type { CallFrame } from '../frames/frames.ts'
import { keyFlaw, pathFlaw, textFlaw } from '../limits/bounds.ts'
import { limits } from '../limits/limits.ts'

type Params = { -readonly [K in keyof CallFrame['params']]: CallFrame['params'][K] }
type Call = { -readonly [K in keyof CallFrame]: CallFrame[K] }

/**
 * A valid query or mutation as `clientFrame` parses it; undefined for any other value, which `clientFrame` judges. Most
 * frames are calls, and zod takes ten times as long. A test compares the two.
 */
export function parseCall(element: unknown): CallFrame | undefined {
  if (!isObject(element)) return undefined
  const { id, method, params } = element
  if (method !== 'query' && method !== 'mutation') return undefined
  if (!isFrameId(id) || !isObject(params)) return undefined
  const { path, input, key, resend } = params
  if (typeof path !== 'string' || pathFlaw(path) !== undefined) return undefined
  const parsed: Params = { path }
  if (input !== undefined || 'input' in params) parsed.input = input
  if (key !== undefined || 'key' in params) {
    if (typeof key !== 'string' || keyFlaw(key) !== undefined) return undefined
    parsed.key = key
  }
  if (resend !== undefined || 'resend' in params) {
    if (resend !== true) return undefined
    parsed.resend = resend
  }
  if ('traceparent' in params) parsed.traceparent = params['traceparent']
  const call: Call = { id, method, params: parsed }
  if (!('jsonrpc' in element)) return call
  if (element['jsonrpc'] !== '2.0') return undefined
  call.jsonrpc = element['jsonrpc']
  return call
}

/** Whether a value may be the id of a frame. [TL-BAD-7] */
export function isFrameId(id: unknown): id is CallFrame['id'] {
  if (typeof id === 'number') return Number.isFinite(id)
  return typeof id === 'string' && textFlaw('an id', id, { most: limits.idBytes.value }) === undefined
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
