import type { Cursor } from '@trunkline/protocol'
import type { Outcome } from '../../define/stream-rules.ts'
import type { Slot } from '../../ports/log.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type Evaluated, evaluate } from '../encoding/result-frames.ts'
import { cursorOf } from '../log/retention.ts'
import type { Encoded, ReadEncoder } from './encoder.ts'
import type { ReadTarget } from './target.ts'

/** A page ends after so many slots of the log. */
const mostSlots = 1_000
/** And before its messages have more bytes, or after it has read more of the log. 1 MB. */
const mostBytes = 1_048_576
const separatorBytes = 1

/** Messages of a log, and where reading goes on. */
export interface ReadPage {
  readonly messages: readonly Encoded[]
  readonly next: Cursor
  /** No later slot was in the log. */
  readonly isUpToDate: boolean
  /** How the stream has ended, at its end. */
  readonly outcome?: Outcome
}

/**
 * What became of a slot. `full`: the next page begins with it. `anew`: a run begins there again. `fault`: its messages
 * could not be made.
 */
export type Taken =
  | { readonly status: 'taken' | 'full' | 'anew' }
  | { readonly status: 'closed'; readonly outcome: Outcome }
  | { readonly status: 'fault'; readonly thrown: unknown }

/** A page that is being read. */
export class PageInProgress {
  readonly #context: InvocationContext
  readonly #target: ReadTarget
  readonly #encoder: ReadEncoder
  readonly messages: Encoded[] = []
  #bytes = 0
  #read = 0
  #slots = 0

  constructor(context: InvocationContext, target: ReadTarget, encoder: ReadEncoder) {
    this.#context = context
    this.#target = target
    this.#encoder = encoder
  }

  /** Whether no slot of the log was taken. */
  get isUntouched(): boolean {
    return this.#slots === 0
  }

  get isFull(): boolean {
    return this.#slots >= mostSlots || this.#read >= mostBytes
  }

  /** Adds the state that a subscription begins with. Throws TOO_LARGE if it exceeds a page. */
  begin(state: unknown): void {
    this.#add([this.#encode(state)])
  }

  /** Takes the next slot. Its messages come into one page. */
  take(slot: Slot): Taken {
    if (this.isFull) return { status: 'full' }
    const { log, pipe } = this.#target
    const evaluated = evaluate(this.#context, { topic: log.topic, pipe }, slot)
    if (evaluated.status === 'anew') return evaluated
    if (evaluated.status === 'failed') return { status: 'fault', thrown: evaluated.thrown }
    let encoded: readonly Encoded[]
    try {
      encoded = valuesOf(evaluated).map((value) => this.#encode(value))
    } catch (thrown) {
      return { status: 'fault', thrown }
    }
    const bytes = sizeOf(encoded)
    if (this.messages.length > 0 && this.#bytes + bytes > mostBytes) return { status: 'full' }
    this.#add(encoded)
    this.#slots += 1
    this.#read += slot.data?.length ?? 0
    return evaluated.status === 'closed' ? evaluated : { status: 'taken' }
  }

  at(slot: Slot): Cursor {
    return cursorOf(this.#context, slot)
  }

  #encode(value: unknown): Encoded {
    const encoded = this.#encoder.message(value)
    const bytes = Buffer.byteLength(encoded)
    if (bytes <= mostBytes) return encoded
    const message = `A message has ${bytes} bytes; at most ${mostBytes} can be read over HTTP. Publish smaller events.`
    throw new TrunklineError('TOO_LARGE', message, { mayHaveRun: true })
  }

  #add(encoded: readonly Encoded[]): void {
    this.messages.push(...encoded)
    this.#bytes += sizeOf(encoded)
  }
}

function valuesOf(evaluated: Evaluated): readonly unknown[] {
  if (evaluated.status === 'match') return [evaluated.event]
  return evaluated.status === 'chunks' ? evaluated.chunks : []
}

function sizeOf(encoded: readonly Encoded[]): number {
  return encoded.reduce((sum, each) => sum + Buffer.byteLength(each) + separatorBytes, 0)
}
