// More than 200 lines: reading a message, what it must be answered with, and the check of the answers.
import { type ClientFrame, decodeServerMessage, depthsOf, limits } from '@trunkline/protocol'
import { idOfElement, parseClientFrame, serverMessage } from '@trunkline/protocol/schemas'
import type { Message } from './generate.ts'
import { findLeak } from './leaks.ts'
import type { Connection, Delivered } from './world.ts'

/** An answer as far as the checks read it. */
interface Frame {
  readonly id?: unknown
  readonly method?: unknown
  readonly pong?: unknown
}

/** The flaws in the answer to a message: one text for each. */
export function flawsOf(connection: Connection, read: ReadMessage, delivered: Delivered): readonly string[] {
  const { thrown, jobFailures, elapsedMs, body } = delivered
  if (thrown !== undefined) return [`the handler threw ${String(thrown)}`]
  const flaws = jobFailures.map((failure) => `a function that it started threw ${String(failure)}`)
  if (typeof body !== 'string') return [...flaws, `the body is no text: ${typeof body}`]
  if (elapsedMs > limits.frameDeadlineMs.value + 500) flaws.push(`the answer took ${elapsedMs} ms`)
  const texts = textsOf(delivered)
  for (const text of texts) flaws.push(...textFlaws(connection, text))
  const frames = texts.flatMap(framesOf)
  return [...flaws, ...answerFlaws(connection, read, delivered, frames)]
}

/** How many frames answered. */
export function countAnswers(delivered: Delivered): number {
  return textsOf(delivered).flatMap(framesOf).length
}

function textsOf({ body, isTwoWay, posted }: Delivered): readonly string[] {
  return [...posted, ...(isTwoWay && typeof body === 'string' ? [body] : [])]
}

/** The flaws of a text for a client, independent of the message that it answers. */
export function textFlaws({ isStock }: Pick<Connection, 'isStock'>, text: string): readonly string[] {
  if (text === '{}' || text === 'PONG') return []
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.messageBytes.value) return [`a message to a client has ${bytes} bytes`]
  const flaws: string[] = []
  const leak = findLeak(text)
  if (leak !== undefined) flaws.push(`a message to a client holds ${leak}`)
  const decoded = decodeServerMessage(text)
  if (!decoded.ok) return [...flaws, `the SDK cannot decode the answer: ${decoded.reason}`]
  const count = framesOf(text).length
  if (decoded.frames.length !== count || count === 0)
    flaws.push(`the SDK reads ${decoded.frames.length} of ${count} frames of ${text.slice(0, 300)}`)
  if (!serverMessage.safeParse(JSON.parse(text)).success) flaws.push(`no frame of the protocol: ${text.slice(0, 300)}`)
  if (isStock && (text.startsWith('[') || text.includes('"method":"chunk"')))
    flaws.push(`a stock client is sent ${text.slice(0, 100)}`)
  return flaws
}

function framesOf(text: string): readonly Frame[] {
  if (text === '{}' || text === 'PONG') return []
  try {
    const value = JSON.parse(text) as Frame | readonly Frame[]
    return [value].flat() as readonly Frame[]
  } catch {
    return []
  }
}

/** The answers that a message must have. */
interface Expected {
  /** How many frames at least answer each id, by its JSON. */
  readonly ids: ReadonlyMap<string, number>
  /** Whether an error without an id comes. */
  readonly nameless: 'must' | 'may' | 'never'
  readonly pongs: number
}

function answerFlaws(
  { state, isStock, isOpen, usedIds }: Connection,
  read: ReadMessage,
  { body, ran }: Delivered,
  frames: readonly Frame[],
): readonly string[] {
  const flaws: string[] = []
  const nothingRuns = state === 'refused' || state === 'expired' || state === 'stock-params-pending'
  if (nothingRuns && ran > 0) flaws.push(`${ran} procedures ran`)
  if (state === 'refused' && isOpen) flaws.push('the refused connection is still open')
  if (state === 'closed') return flaws
  if (read.message === 'PING' && state !== 'refused') return body === 'PONG' ? flaws : [...flaws, 'PING has no answer']
  const expected = expectedOf(read, { isStock, usedIds, isRefused: state === 'refused' })
  const nameless = frames.filter(({ id, method }) => id === null && method !== 'reconnect').length
  if (isStock && nameless > 0) return flaws // one malformed element fails the message, and a failed post deletes it
  if (expected.nameless === 'must' && nameless === 0) flaws.push('what has no id has no answer')
  if (expected.nameless === 'never' && nameless > 0) flaws.push('an error without an id answers nothing')
  for (const [id, count] of expected.ids) {
    const found = frames.filter((frame) => JSON.stringify(frame.id) === id).length
    if (found < count) flaws.push(`id ${id.slice(0, 60)} has ${found} answers of ${count}`)
  }
  const pongs = frames.filter(({ pong }) => pong === true).length
  if (pongs < expected.pongs) flaws.push(`${expected.pongs} pings have ${pongs} answers`)
  return flaws
}

/** The ids that a message uses, by their JSON. */
export function idsIn({ method, elements = [] }: ReadMessage): readonly string[] {
  return method === 'chunk' ? [anyId] : elements.flatMap(({ id }) => id ?? [])
}

interface Sender {
  readonly isStock: boolean
  readonly isRefused: boolean
  /** The ids that the connection used before, by their JSON. */
  readonly usedIds: ReadonlySet<string>
}

/** An element of a message as the protocol reads it. */
export interface Element {
  /** The JSON of its id; undefined when it has none. */
  readonly id: string | undefined
  /** Undefined for a malformed element. */
  readonly frame: ClientFrame | undefined
}

/** Among the used ids of a connection that sent chunks: the ids inside them are not read. */
const anyId = '*'
const generators: ReadonlySet<string> = new Set(['ticks', 'trackedTicks', 'marked'])
const longCalls: ReadonlySet<string> = new Set(['slow', 'slowOnce'])
const malformed: Element = { id: undefined, frame: undefined }
const mostOverfull = 100 // elements of an overfull array that surely are among those with an answer [TL-BATCH-3]

/** A message as the schemas of the protocol read it. */
export interface ReadMessage {
  readonly message: Message
  readonly isArray: boolean
  /** The member `method` of a message that is an object; null when it has none. */
  readonly method: unknown
  /** Undefined for a text that is no JSON. */
  readonly elements: readonly Element[] | undefined
}

/** Reads a message by the schemas of the protocol. */
export function readMessage(message: Message): ReadMessage {
  let value: unknown
  try {
    value = JSON.parse(message ?? '')
  } catch {
    return { message, isArray: false, method: null, elements: undefined }
  }
  const isArray = Array.isArray(value)
  const elements: readonly unknown[] = isArray ? (value as unknown[]) : [value]
  const depths = depthsOf(message ?? '')
  const isTooDeep = (index: number) => (depths[index] ?? 0) > limits.jsonDepth.value
  const method = (value as { readonly method?: unknown } | null)?.method ?? null
  return { message, isArray, method, elements: elements.map((each, index) => readElement(each, isTooDeep(index))) }
}

function readElement(value: unknown, isTooDeep: boolean): Element {
  if (typeof value !== 'object' || value === null) return malformed
  const id = idOfElement(value)
  const parsed = isTooDeep ? undefined : parseClientFrame(value)
  return { id: id === null ? undefined : JSON.stringify(id), frame: parsed?.ok ? parsed.frame : undefined }
}

function expectedOf({ message, isArray, method, elements }: ReadMessage, sender: Sender): Expected {
  const none: Expected = { ids: new Map(), nameless: 'never', pongs: 0 }
  if (message === 'PONG') return none
  if (elements === undefined) return { ...none, nameless: sender.isRefused ? 'never' : 'must' } // [TL-BAD-1]
  // no answer is required of a part that was stored, and of parameters
  if (!isArray && (method === 'chunk' || method === 'connectionParams')) return { ...none, nameless: 'may' }
  return sender.isRefused ? expectedOfRefused(elements) : expectedOfElements(elements, sender)
}

/** [TL-HELLO-3] Each element with an id has the reason as its answer. */
function expectedOfRefused(elements: readonly Element[]): Expected {
  const named = elements.slice(0, limits.batchSize.value).filter(({ frame }) => frame?.method !== 'ping')
  return { ids: idsOf(named), nameless: 'may', pongs: 0 }
}

function expectedOfElements(elements: readonly Element[], sender: Sender): Expected {
  const isOverfull = elements.length > limits.batchSize.value
  const answered = elements.filter((element) => !isSilent(element, elements, sender))
  const pings = answered.filter(({ frame }) => frame?.method === 'ping')
  const named = answered.filter(({ frame }) => frame?.method !== 'ping')
  const isNameless = named.some(({ id }) => id === undefined)
  return {
    ids: idsOf(isOverfull ? named.slice(0, mostOverfull) : named),
    nameless: isNameless ? 'must' : isOverfull ? 'may' : 'never',
    pongs: isOverfull ? 0 : pings.length,
  }
}

function idsOf(elements: readonly Element[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { id } of elements) if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

/** An element that the protocol answers with silence. */
function isSilent({ frame }: Element, elements: readonly Element[], { isStock, usedIds }: Sender): boolean {
  if (frame === undefined) return false
  const isOverfull = elements.length > limits.batchSize.value
  if (frame.method === 'cancel') return !isOverfull
  if (frame.method === 'subscription.stop') return isStock || isOverfull // [TL-BATCH-3]
  const isLong = (frame.method === 'query' || frame.method === 'mutation') && longCalls.has(frame.params.path)
  if (isLong)
    return elements.some(({ frame: other }) => {
      const isOfKey = other?.method === 'cancel' && other.params?.key !== undefined
      return other?.method === 'cancel' && (isOfKey ? other.params?.key === frame.params.key : other.id === frame.id)
    })
  if (frame.method !== 'subscription') return false
  // a subscribe that a newer one or a stop of its id has overtaken, and a generator that runs already
  const id = JSON.stringify(frame.id)
  const isAgain = usedIds.has(id) || usedIds.has(anyId) || elements.filter((other) => other.id === id).length > 1
  if (isAgain && (!isStock || generators.has(frame.params.path))) return true
  return elements.some(({ frame: stop }) => {
    const isStop = stop?.method === 'subscription.stop' && stop.id === frame.id
    return isStop && (stop.params?.ref ?? 1) >= (frame.params.ref ?? 1) // [TL-STOP-2]
  })
}
