import {
  type AnswerFrame,
  type ErrorFrame,
  type FrameId,
  type KickedFrame,
  limits,
  type PongFrame,
  type ReconnectFrame,
  toChunks,
  withDocs,
} from '@trunkline/protocol'
import { sha256 } from '../../ports/sha256.ts'

/** JSON text that is put into a frame unparsed: an id as a row holds it, or an answer that is recorded under a key. */
export class RawJson {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** The result of a frame. The frames of several subscribers may have one result. */
export type Result = AnswerFrame['result']

/** The error of a frame, with what Trunkline adds to tRPC's shape. */
export type ErrorBody = Omit<ErrorFrame, 'id' | 'jsonrpc'>

/** What answers a request, without the request's id. `recorded` is the text that `encodeAnswer` made before. */
export type Answer = { readonly result: Result } | { readonly failure: ErrorBody } | { readonly recorded: RawJson }

/** What an answer repeats of its request. */
export interface Address {
  readonly id: FrameId | RawJson | null
  readonly jsonrpc?: '2.0' | undefined
}

/** A frame to a client, before it is encoded. */
export type Frame = (Address & Answer) | PongFrame | ReconnectFrame | KickedFrame

/** A frame as JSON text. Frames are serialised only here. */
// [TL-STOCK-9]
export function encode(frame: Frame): string {
  if ('pong' in frame || 'method' in frame) return JSON.stringify(frame)
  const id = frame.id instanceof RawJson ? frame.id.text : JSON.stringify(frame.id)
  const version = frame.jsonrpc === undefined ? '' : '"jsonrpc":"2.0",'
  return `{"id":${id},${version}${encodeMembers(frame)}}`
}

/** An answer as JSON text, as it is recorded under a key: without an id, which differs in each attempt. */
export function encodeAnswer(answer: Answer): string {
  return `{${encodeMembers(answer)}}`
}

/** The size of a result or an error as JSON, in UTF-8 bytes. Throws for a value that is not JSON. */
export function sizeOf(value: Result | ErrorBody): number {
  return Buffer.byteLength(textOf(value))
}

function encodeMembers(answer: Answer): string {
  if ('result' in answer) return `"result":${textOf(answer.result)}`
  const object = 'failure' in answer ? textOf(answer.failure) : answer.recorded.text
  return object.slice(1, -1) // without its braces
}

/** Holds the JSON text of a value, on the value itself. A WeakMap makes each garbage collection longer. */
const textKey = Symbol('text')

/** Serialises a value once: its size is needed before its frame is made, and a result may be in many frames. */
function textOf(value: (Result | ErrorBody) & { readonly [textKey]?: string }): string {
  const known = value[textKey]
  if (known !== undefined) return known
  const text = toJson(value)
  Object.defineProperty(value, textKey, { value: text }) // not enumerable, so that a copy of the value has no text
  return text
}

/** Throws a `TypeError` that says what to do, for a value that JSON cannot hold, such as a bigint or a circular one. */
function toJson(value: Result | ErrorBody): string {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    const [reason] = cause instanceof Error ? cause.message.split('\n', 1) : [String(cause)]
    throw new TypeError(
      withDocs(
        'procedures',
        `Expected an answer that JSON can hold, got one that it cannot: ${reason}. Return plain values, or give the router and the client a transformer.`,
      ),
      { cause },
    )
  }
}

/**
 * Packs encoded frames into messages: one message for a client with extensions, or its chunks if it is larger than the
 * gateway accepts; one message per frame for a stock client, which knows neither arrays nor chunks. `id` is that of the
 * first frame: chunks carry it, so that an error of the message reaches its sender.
 */
// [TL-HS-5] [TL-STOCK-1] [TL-CHUNK-1] [TL-CHUNK-3]
export function toMessages(
  frames: readonly string[],
  { id, extensions }: { readonly id: Address['id']; readonly extensions: boolean },
): readonly string[] {
  const first = frames[0]
  if (first === undefined) return []
  if (!extensions) return frames
  const text = frames.length === 1 ? first : `[${frames.join(',')}]`
  if (Buffer.byteLength(text) <= limits.messageBytes.value) return [text]
  const chunkId = id instanceof RawJson ? (JSON.parse(id.text) as FrameId) : id
  return toChunks({ id: chunkId ?? '', message: nameOf(text), text }, limits.messageBytes.value) // a chunk has an id
}

/** The id of a frame; null for one that answers no request. */
export function idOf(frame: Frame | undefined): Address['id'] {
  return frame !== undefined && 'id' in frame ? frame.id : null
}

/**
 * A digest of the content, so that a retried delivery sends the same chunks, which complete those that the client
 * already has.
 */
function nameOf(text: string): string {
  return sha256(text).toString('base64url').slice(0, 16)
}
