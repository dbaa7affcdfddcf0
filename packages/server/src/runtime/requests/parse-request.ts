// More than 200 lines: our own frames and tRPC's are one table, since each rule of parsing decides by both.

import { TRPCError } from '@trpc/server'
import { parseTRPCMessage } from '@trpc/server/rpc'
import {
  type AuthFrame,
  type CancelFrame,
  type ChunkFrame,
  type ClientFrame,
  type CloseFrame,
  type FrameId,
  flawText,
  type HelloFrame,
  type PartitionRequest,
  type PingFrame,
  parsePartitionPath,
  type SyncFrame,
} from '@trunkline/protocol'
import { idOfElement, parseClientFrame, parseTraceparent } from '@trunkline/protocol/schemas'
import type { Server } from '../context/served-application.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import type { RequestInfo } from '../encoding/error-response.ts'
import { readInput } from '../procedures/transformer-mismatch.ts'

/** A valid element of a message: a tRPC request with its input deserialised, or a frame of Trunkline's own. */
export type Request =
  | {
      readonly method: 'query' | 'mutation' | 'subscription'
      readonly id: FrameId
      readonly jsonrpc: '2.0' | undefined
      readonly path: string
      /** Of a subscribe: the client can merge partitions, and the one that it asks for. */
      readonly merges: boolean
      readonly partition: PartitionRequest | undefined
      readonly input: unknown
      readonly rawInput: unknown
      readonly lastEventId: string | undefined
      readonly ref: number
      /** The idempotency key of a mutation. */
      readonly key: string | undefined
      /** The client sent this mutation before. */
      readonly resend: boolean
      /** W3C trace context of a call. */
      readonly traceparent: string | undefined
    }
  | { readonly method: 'subscription.stop'; readonly id: FrameId; readonly ref: number }
  | OwnFrame

/** The frames that tRPC does not know. */
type OwnFrame = HelloFrame | SyncFrame | AuthFrame | CancelFrame | CloseFrame | PingFrame

const ownMethods: ReadonlySet<unknown> = new Set(['hello', 'sync', 'auth', 'cancel', 'ping'])

/** One element of a message: a request, or the failure that answers it. */
export type ParsedElement = { readonly status: 'request'; readonly request: Request } | MalformedElement

/** A failure, and what is known of the element that it answers. */
interface MalformedElement {
  readonly status: 'malformed'
  readonly asked: RequestInfo
  readonly thrown: TRPCError
}

/** Elements of a message as `decodeClientMessage` gives them. */
export interface Elements {
  readonly elements: readonly unknown[]
  /** Those that are nested too deeply, by index. */
  readonly tooDeep: ReadonlyMap<number, string>
}

/** How the elements of a message are parsed. */
export interface ParseOptions {
  /** The client declared `trunkline.1`. */
  readonly extensions: boolean
  /** The id of the chunks that carried the message. @default null */
  readonly fallbackId?: FrameId | null
}

/**
 * Parses the elements of a message. Those of a client with extensions are parsed each by itself: a malformed one is
 * answered with MALFORMED under its own id, or under `fallbackId` when its id is malformed too. Those of a stock client
 * are parsed as tRPC does: one that is malformed fails them all. Throws a `TRPCError` PARSE_ERROR only for a stock
 * client.
 */
// [TL-BATCH-2] [TL-BAD-2] [TL-STOCK-10]
export function parseElements(
  server: Server,
  { elements, tooDeep }: Elements,
  { extensions, fallbackId = null }: ParseOptions,
): readonly ParsedElement[] {
  if (!extensions) {
    const [flaw] = tooDeep.values()
    if (flaw !== undefined) throw parseError(flaw)
    return elements.map((element) => ({ status: 'request', request: parseStockElement(server, element) }))
  }
  return elements.map((element, index) => {
    const flaw = tooDeep.get(index)
    try {
      if (flaw !== undefined) throw malformed(flaw)
      const parsed = parseClientFrame(element)
      if (!parsed.ok) throw malformed(parsed.reason)
      return { status: 'request', request: toRequest(parsed.frame, (input) => readInput(server, input)) }
    } catch (thrown) {
      const failure = thrown instanceof TrunklineError ? thrown : unreadable(thrown)
      return { status: 'malformed', asked: elementInfoOf(element, fallbackId), thrown: failure }
    }
  })
}

function parseStockElement(server: Server, element: unknown): Request {
  const message = ownMethods.has(methodOf(element)) ? undefined : parseTrpc(server, element)
  if (message?.id === null) throw new TRPCError({ code: 'PARSE_ERROR', message: '`id` is required' })
  const parsed = parseClientFrame(element)
  if (!parsed.ok) throw parseError(parsed.reason)
  const { input, lastEventId } =
    message !== undefined && 'params' in message ? message.params : { input: undefined, lastEventId: undefined }
  // A query's `lastEventId` is kept too. [TL-STOCK-3]
  return { ...toRequest(parsed.frame, () => input), ...(lastEventId !== undefined && { lastEventId }) }
}

/** Throws a `TrunklineError` MALFORMED for a frame that only comes alone, and what `deserialize` throws. */
function toRequest(frame: ClientFrame, deserialize: (input: unknown) => unknown): Request {
  switch (frame.method) {
    case 'query':
    case 'mutation':
    case 'subscription': {
      const { method, id, jsonrpc, params } = frame
      return {
        method,
        id,
        jsonrpc,
        ...partitionOf(method, params.path),
        input: deserialize(params.input),
        rawInput: params.input,
        lastEventId: 'lastEventId' in params ? params.lastEventId : undefined,
        ref: ('ref' in params && params.ref) || 1, // a stock client's counts as 1
        key: method === 'mutation' && 'key' in params ? params.key : undefined,
        resend: method === 'mutation' && 'resend' in params && params.resend === true,
        traceparent: 'traceparent' in params ? parseTraceparent(params.traceparent) : undefined,
      }
    }
    case 'subscription.stop':
      return { method: frame.method, id: frame.id, ref: frame.params?.ref ?? 1 }
    case 'chunk':
    case 'connectionParams': // [TL-HTTP-17]
      throw malformed(flawText(`${frame.method} as a message of its own`, 'one inside a message'))
    default:
      return frame
  }
}

function partitionOf(method: string, text: string) {
  const { path, merges, partition } =
    method === 'subscription' ? parsePartitionPath(text) : { path: text, merges: false }
  return { path, merges, partition }
}

/** Parses a message that is one chunk. A stock client's error has no id, as tRPC's has none. */
// {"id":7,"method":"chunk","params":{"message":…,"part":0,"of":2,"bytes":…,"text":…}}
export function parseChunk(
  { elements: [element], tooDeep }: Elements,
  { extensions }: ParseOptions,
): { readonly status: 'chunk'; readonly frame: ChunkFrame } | MalformedElement {
  const tooDeepFlaw = tooDeep.get(0)
  const parsed = tooDeepFlaw === undefined ? parseClientFrame(element) : { ok: false as const, reason: tooDeepFlaw }
  if (parsed.ok && parsed.frame.method === 'chunk') return { status: 'chunk', frame: parsed.frame }
  const flaw = parsed.ok ? flawText('a chunk', parsed.frame.method) : parsed.reason
  const asked = elementInfoOf(extensions ? element : undefined)
  return { status: 'malformed', asked, thrown: flawError(flaw, extensions) }
}

/** The `method` member of an element; undefined when it has none. */
export function methodOf(element: unknown): unknown {
  return memberOf(element, 'method')
}

function memberOf(element: unknown, name: string): unknown {
  return typeof element === 'object' && element !== null && Object.hasOwn(element, name)
    ? Reflect.get(element, name)
    : undefined
}

function parseTrpc(server: Server, element: unknown): ReturnType<typeof parseTRPCMessage> {
  try {
    const { transformer } = server.router._def._config
    // Without an input a stock client gets tRPC's own answer.
    const read = (input: unknown) =>
      input === undefined ? transformer.input.deserialize(input) : readInput(server, input)
    return parseTRPCMessage(element, { ...transformer, input: { ...transformer.input, deserialize: read } })
  } catch (cause) {
    throw new TRPCError({ code: 'PARSE_ERROR', cause })
  }
}

/** The facts of a malformed element that its answer repeats. */
function elementInfoOf(element: unknown, fallbackId: FrameId | null = null): RequestInfo {
  const id = idOfElement(element) ?? fallbackId
  const repeats = id !== null && memberOf(element, 'jsonrpc') === '2.0' // [TL-CALL-2]
  return { id, ...(repeats && { jsonrpc: '2.0' }), type: 'unknown', cause: 'frame' }
}

/** The error for a message of a client that does not have the expected form. */
export function flawError(flaw: string, extensions: boolean): TRPCError {
  return extensions ? malformed(flaw) : parseError(flaw)
}

/** The error for a malformed element of our own client. */
function malformed(flaw: string): TrunklineError {
  return new TrunklineError('MALFORMED', flaw)
}

/** The error for a malformed element of a stock client: tRPC's code. */
function parseError(message: string): TRPCError {
  return new TRPCError({ code: 'PARSE_ERROR', message })
}

function unreadable(cause: unknown): TrunklineError {
  const expected = "params.input as the router's transformer writes it"
  return new TrunklineError('MALFORMED', flawText(expected, 'what it cannot read'), { cause })
}

/** The facts of a request that an error answer repeats. */
export function requestInfoOf(request: Request): RequestInfo {
  const isCall = request.method === 'query' || request.method === 'mutation' || request.method === 'subscription'
  if (!isCall) return { id: 'id' in request ? request.id : null, type: 'unknown', cause: 'frame' }
  const { id, jsonrpc, method: type, path, input, traceparent } = request
  return { id, jsonrpc, type, path, input, traceparent, cause: 'frame' }
}
