import { TRPCError } from '@trpc/server'
import { parseTRPCMessage } from '@trpc/server/rpc'
import type {
  AuthFrame,
  CancelFrame,
  ChunkFrame,
  ClientFrame,
  FrameId,
  HelloFrame,
  PingFrame,
  SyncFrame,
} from '@trunkline/protocol'
import { parseClientFrame, parseTraceparent } from '@trunkline/protocol/schemas'
import type { Server } from './server.ts'

/** One element of a message, understood: tRPC's requests with their input deserialised, and the line's own. */
export type Request =
  | {
      readonly method: 'query' | 'mutation' | 'subscription'
      readonly id: FrameId
      readonly jsonrpc?: '2.0'
      readonly path: string
      readonly input: unknown
      readonly rawInput: unknown
      readonly lastEventId: string | undefined
      readonly ref: number
      /** Of a mutation that happens once whatever is resent. */
      readonly key: string | undefined
      /** It was sent before, without a key. */
      readonly resend: boolean
      /** W3C trace context of a call. */
      readonly traceparent?: string
    }
  | { readonly method: 'subscription.stop'; readonly id: FrameId; readonly ref: number }
  | OwnFrame

/** The frames that tRPC does not know. */
type OwnFrame = HelloFrame | SyncFrame | AuthFrame | CancelFrame | PingFrame

const ownMethods: ReadonlySet<unknown> = new Set(['hello', 'sync', 'auth', 'cancel', 'ping'])

/**
 * Understands one element. tRPC's own parser says what tRPC's frames are, in its words; the schemas bound them and say what ours are.
 * Throws a `TRPCError` PARSE_ERROR, which fails the whole message as in tRPC.
 */
// [TL-BATCH-2] [TL-BAD-2]
export function parseRequest(server: Server, element: unknown): Request {
  if (ownMethods.has(methodOf(element))) return parseOwn(element)
  const message = parseTrpc(server, element)
  if (message.id === null) throw new TRPCError({ code: 'PARSE_ERROR', message: '`id` is required' })
  const parsed = parseClientFrame(element)
  if (!parsed.ok) throw malformed(parsed)
  const { frame } = parsed
  if (message.method === 'subscription.stop')
    return {
      method: message.method,
      id: message.id,
      ref: (frame.method === 'subscription.stop' && frame.params?.ref) || 1,
    }
  const { path, input, lastEventId } = message.params
  const traceparent =
    'params' in frame && frame.params && 'traceparent' in frame.params
      ? parseTraceparent(frame.params.traceparent)
      : undefined
  return {
    method: message.method,
    id: message.id,
    ...(message.jsonrpc === undefined ? {} : { jsonrpc: message.jsonrpc }),
    path,
    input,
    rawInput:
      'params' in frame && frame.params !== undefined && 'input' in frame.params ? frame.params.input : undefined,
    lastEventId,
    ref: (frame.method === 'subscription' && frame.params.ref) || 1, // a stock client's counts as 1
    key: frame.method === 'mutation' ? frame.params.key : undefined,
    resend: frame.method === 'mutation' && frame.params.resend === true,
    ...(traceparent === undefined ? {} : { traceparent }),
  }
}

/** One part of a message. Throws as `parseRequest` does. */
// {"id":7,"method":"chunk","params":{"message":…,"part":0,"of":2,"bytes":…,"text":…}}
export function parseChunk(element: unknown): ChunkFrame {
  const parsed = parseClientFrame(element)
  if (!parsed.ok) throw malformed(parsed)
  if (parsed.frame.method === 'chunk') return parsed.frame
  throw malformed({ expected: 'a chunk', got: parsed.frame.method })
}

/** The method that an element bears, if it bears any. */
export function methodOf(element: unknown): unknown {
  return typeof element === 'object' && element !== null && 'method' in element ? element.method : undefined
}

function parseOwn(element: unknown): OwnFrame {
  const parsed = parseClientFrame(element)
  if (!parsed.ok) throw malformed(parsed)
  if (isOwn(parsed.frame)) return parsed.frame
  throw malformed({ expected: 'hello, sync, auth, cancel or ping', got: parsed.frame.method })
}

function isOwn(frame: ClientFrame): frame is OwnFrame {
  return ownMethods.has(frame.method)
}

function parseTrpc(server: Server, element: unknown): ReturnType<typeof parseTRPCMessage> {
  try {
    return parseTRPCMessage(element, server.router._def._config.transformer)
  } catch (cause) {
    throw new TRPCError({ code: 'PARSE_ERROR', cause })
  }
}

function malformed({ expected, got }: { readonly expected: string; readonly got: string }): TRPCError {
  return new TRPCError({ code: 'PARSE_ERROR', message: `Expected ${expected}, got ${got}.` })
}
