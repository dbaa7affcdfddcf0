import type * as z from 'zod/mini'
import type { ClientFrame, FrameId } from '../frames/frames.ts'
import { flawText } from '../limits/bounds.ts'
import { isFrameId, parseCall } from './call-frame.ts'
import { clientFrames } from './create-client-frames.schema.ts'

/** A valid frame, or an error message with what was expected and what came. It quotes only types, so it may be sent. */
export type ParsedClientFrame =
  | { readonly ok: true; readonly frame: ClientFrame }
  | { readonly ok: false; readonly reason: string }

const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The shape of each method's frame, for error messages. */
const shapes: Readonly<Record<ClientFrame['method'], string>> = {
  query: '{ id, method, params: { path, input?, key?, resend? } }',
  mutation: '{ id, method, params: { path, input?, key?, resend? } }',
  subscription: '{ id, method, params: { path, input?, lastEventId?, ref?: an integer from 1 } }',
  'subscription.stop': '{ id, method, params?: { ref?: an integer from 1 } }',
  hello: '{ id, method }',
  sync: '{ id, method, params: { subscriptions: { id, ref: an integer from 1, from: a cursor }[], poll? } }',
  auth: '{ id, method, params: { token } }',
  cancel: '{ id, method, params?: { key? } }',
  close: '{ method }',
  ping: '{ method }',
  chunk: '{ id, method, params: { message, part, of, bytes, text } }',
  connectionParams: '{ method, data: Record<string, string> | null }',
}

/**
 * Parses and validates one element of a message. Also checks the limits: bytes of ids, paths and keys, `ref` an integer
 * from 1, the count of a sync, cursors. Never throws. Unknown members are removed.
 */
export function parseClientFrame(element: unknown): ParsedClientFrame {
  const call = parseCall(element)
  if (call !== undefined) return { ok: true, frame: call }
  const parsed = clientFrames().clientFrame.safeParse(element)
  if (parsed.success) return { ok: true, frame: parsed.data }
  const { issues } = parsed.error
  return { ok: false, reason: flawIn(issues) ?? flawText(shapeFor(element), describe(element, issues)) } // [TL-BAD-2]
}

/** The id of an element, under which it is answered; null when it has none or a malformed one. [TL-BAD-7] */
export function idOfElement(element: unknown): FrameId | null {
  const id = memberOf(element, 'id')
  return isFrameId(id) ? id : null
}

/** The message of the first failed limit check. An id is a union, so its issues are one level deeper. */
function flawIn([issue]: readonly z.core.$ZodIssue[]): string | undefined {
  const bounded = issue?.code === 'invalid_union' ? issue.errors.flat() : [issue]
  return bounded.find((each) => each?.code === 'custom')?.message
}

function shapeFor(element: unknown): string {
  const method = memberOf(element, 'method')
  return isMethod(method)
    ? `${method}: ${shapes[method]}`
    : `a frame with a method of ${Object.keys(shapes).join(', ')}`
}

function isMethod(method: unknown): method is ClientFrame['method'] {
  return typeof method === 'string' && Object.hasOwn(shapes, method)
}

function describe(element: unknown, issues: readonly z.core.$ZodIssue[]): string {
  const at = issues[0]?.path ?? []
  const value = at.reduce<unknown>(memberOf, element)
  const name = at.map(String).join('.').slice(0, 80) // a key may be as long as the frame
  return at.length === 0 ? typeName(value) : `${name}: ${typeName(value)}`
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}

function typeName(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'string') return `a string of ${value.length} characters`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Returns the value if it is a W3C `traceparent` of 55 characters, else undefined. [TL-TRACE-1] */
export function parseTraceparent(value: unknown): string | undefined {
  return typeof value === 'string' && value.length === 55 && traceparent.test(value) ? value : undefined
}
