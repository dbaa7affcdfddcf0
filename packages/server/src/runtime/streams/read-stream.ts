import { TRPCError } from '@trpc/server'
import { type ChunkCursor, formatChunkCursor, limits, parseChunkCursor } from '@trunkline/protocol'
import type { Tracked } from '../../define/channel.ts'
import type { StreamPage, StreamReadOptions, StreamStatus } from '../../define/stream.ts'
import type { Slot } from '../../ports/log.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { cursorOf } from '../log/retention.ts'
import { eventOf } from '../log/stored-event.ts'
import { replayStream, type StreamReplay } from './replay-stream.ts'
import { settleStream } from './settle.ts'
import { parseState, type StreamState } from './state.ts'
import { type StreamRef, statusOf } from './stream-log.ts'

const mostChunks = 1_000
const chunkOverhead = '{"id":"","data":},'.length

/** The chunks of a slot, each with its id: the last one has the id of the slot. */
function chunksOf(context: RuntimeContext, topic: string, slot: Slot): readonly Tracked<unknown>[] {
  if (slot.data === undefined || parseState(slot.state) === undefined) return []
  const chunks = eventOf(context, topic, slot) as readonly unknown[]
  return chunks.map((data, index) => ({ id: chunkId(cursorOf(context, slot), index + 1, chunks.length), data }))
}

/** The id of chunk `place` of a slot that has `of` chunks. */
// [TL-STREAM-2]
export function chunkId(cursor: ChunkCursor, place: number, of: number): string {
  return formatChunkCursor(place === of ? cursor : { ...cursor, chunk: place })
}

/** The state of a stream, after it was settled. */
export async function readStatus(context: RuntimeContext, ref: StreamRef): Promise<StreamStatus> {
  return statusOf((await settleStream(context, ref)).head)
}

/** Reads a page of a stream's chunks: the run from its beginning, or after a chunk. */
export async function readStreamPage(
  context: RuntimeContext,
  ref: StreamRef,
  { after, limit = mostChunks, maxBytes = limits.pageBytes.value }: StreamReadOptions,
): Promise<StreamPage<unknown>> {
  checkRange(limit, [1, mostChunks], 'limit')
  checkRange(maxBytes, [1, Number.MAX_SAFE_INTEGER], 'maxBytes')
  const page = new PageInProgress({ limit, maxBytes, isResumed: after !== undefined })
  let cursor = after === undefined ? undefined : cursorIn(after)
  for (;;) {
    const found = await replayStream(context, ref, cursor)
    page.begin(found)
    for (const slot of found.slots) {
      page.enter(slot)
      const had = found.skip?.offset === slot.offset ? found.skip.chunks : 0
      for (const chunk of chunksOf(context, ref.topic, slot).slice(had))
        if (!page.take(chunk)) return page.end({ isFull: true })
    }
    const last = found.slots.at(-1)
    if (last === undefined || last.offset >= found.head.offset) return page.end({ isFull: false })
    cursor = cursorOf(context, last)
  }
}

interface PageBounds {
  readonly limit: number
  readonly maxBytes: number
  /** The reader has chunks already. */
  readonly isResumed: boolean
}

/** A page that is being read. */
class PageInProgress {
  readonly #bounds: PageBounds
  #chunks: Tracked<unknown>[] = []
  #bytes = 0
  #gap: StreamPage<unknown>['gap'] | undefined
  /** The newest state, and that of the last slot of the page. */
  #newest: StreamState | undefined
  #state: StreamState | undefined

  constructor(bounds: PageBounds) {
    this.#bounds = bounds
  }

  begin({ gap, state }: StreamReplay): void {
    this.#gap ??= gap as StreamPage<unknown>['gap'] | undefined // a stream has no other gaps
    this.#newest = this.#state = state
  }

  /** A slot at which the run begins again drops the chunks before it. */
  enter(slot: Slot): void {
    this.#state = parseState(slot.state) ?? this.#state
    if (this.#state?.anew !== true || this.#state.first !== slot.offset) return
    if (this.#bounds.isResumed || this.#chunks.length > 0) this.#gap = 'restarted'
    this.#chunks = []
    this.#bytes = 0
  }

  /** False when the chunk belongs to the next page. */
  take(chunk: Tracked<unknown>): boolean {
    const { limit, maxBytes } = this.#bounds
    const bytes = Buffer.byteLength(JSON.stringify(chunk.data)) + chunk.id.length + chunkOverhead
    const isFull = this.#chunks.length === limit || this.#bytes + bytes > maxBytes
    if (isFull && this.#chunks.length > 0) return false
    this.#chunks.push(chunk)
    this.#bytes += bytes
    return true
  }

  end({ isFull }: { readonly isFull: boolean }): StreamPage<unknown> {
    const next = isFull ? (this.#chunks.at(-1)?.id ?? null) : null
    const gap = this.#gap
    return {
      chunks: this.#chunks,
      next,
      status: statusOf({ state: isFull ? this.#newest : this.#state }),
      ...(gap && { gap }),
    }
  }
}

function cursorIn(text: string): ChunkCursor {
  const cursor = parseChunkCursor(text)
  if (cursor !== undefined) return cursor
  throw badRequest('Expected the id of a chunk as `after`, got another text. Pass the id that a chunk came with.')
}

function checkRange(value: number, [least, most]: readonly [number, number], name: string): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw badRequest(`Expected ${name} to be a whole number from ${least} to ${most}, got ${value}.`)
}

function badRequest(message: string): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message })
}
