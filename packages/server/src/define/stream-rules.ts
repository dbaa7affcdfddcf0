import { checkOptionNames, withDocs } from '@trunkline/protocol'
import type { EventSchema } from './topic.ts'

/**
 * What happens when the function that produces a stream is lost: it died, or it came to the end of its 15 minutes.
 * - `close`: the stream closes with the outcome `lost`. `produce` runs at most once.
 * - `restart`: `produce` runs again from the beginning, at most three times. Readers get a gap with reason `restarted`.
 * - `continue`: `produce` runs again and gets the number of chunks that the log has, after which it continues.
 */
export type OnLost = 'close' | 'restart' | 'continue'

/**
 * How a stream has ended.
 * - `done`: `produce` has returned.
 * - `stopped`: `stop` was called.
 * - `failed`: `produce` threw. `code` is a tRPC code, `message` is for people.
 * - `lost`: the function that produced it was lost, and could not or must not run again.
 */
export type Outcome =
  | { readonly type: 'done' }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'lost' }

/** What `produce` gets. */
export interface StreamRun<K, I> {
  readonly key: K
  readonly input: I
  /**
   * How many chunks of this run the log has: 0, except after a loss with `onLost: 'continue'`. The next chunk that is
   * yielded follows these.
   */
  readonly produced: number
  /** Aborts when the stream is stopped, or when another function must continue. Chunks that follow are dropped. */
  readonly signal: AbortSignal
}

/** A stream's settings, checked and with their defaults. */
export interface StreamRules {
  readonly input: EventSchema
  readonly onLost: OnLost
  readonly batchMs: number
  readonly batchBytes: number
  readonly bytesPerMinute: number
  readonly produce: (run: StreamRun<unknown, unknown>) => AsyncIterable<unknown>
}

const defaults = { ms: 100, bytes: 32_768, bytesPerMinute: 10_485_760 }
const mostMs = 10_000
const mostBytes = 98_304

/** Validates the settings of a stream and applies the defaults. Throws a `RangeError` or a `TypeError`. */
export function streamRules(
  name: string,
  given: {
    readonly input: EventSchema
    readonly onLost?: OnLost
    readonly batch?: { readonly ms?: number; readonly bytes?: number }
    readonly bytesPerMinute?: number
    readonly produce: unknown
  },
): StreamRules {
  const { input, onLost = 'close', batch = {}, bytesPerMinute = defaults.bytesPerMinute, produce } = given
  checkOptionNames(`batch of stream ${name}`, batch, { ms: true, bytes: true })
  const { ms = defaults.ms, bytes = defaults.bytes } = batch
  if (!['close', 'restart', 'continue'].includes(onLost))
    throw new TypeError(
      withDocs(
        'declarations',
        `Expected onLost of stream ${name} to be 'close', 'restart' or 'continue', got ${JSON.stringify(onLost)}. Choose one of them.`,
      ),
    )
  if (typeof produce !== 'function')
    throw new TypeError(
      withDocs(
        'declarations',
        `Expected produce of stream ${name} to be a function, got ${typeof produce}. Write async *produce({ input }) { … }.`,
      ),
    )
  checkRange(ms, [0, mostMs], `batch.ms of stream ${name}`)
  checkRange(bytes, [1, mostBytes], `batch.bytes of stream ${name}`)
  checkRange(bytesPerMinute, [mostBytes, Number.MAX_SAFE_INTEGER], `bytesPerMinute of stream ${name}`)
  return {
    ...{ input, onLost, batchMs: ms, batchBytes: bytes, bytesPerMinute },
    produce: produce as StreamRules['produce'], // its input is parsed by `input`
  }
}

function checkRange(value: number, [least, most]: readonly [number, number], what: string): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  throw new RangeError(
    withDocs(
      'declarations',
      `Expected ${what} to be a whole number from ${least} to ${most}, got ${value}. Choose a value of this range.`,
    ),
  )
}
