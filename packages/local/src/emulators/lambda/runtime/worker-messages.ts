import type { HandlerAnswer, HandlerError } from './call-handler.ts'
import type { ContextSeed } from './lambda-context.ts'

/** The data with which a worker starts. */
export interface WorkerBoot {
  /** `file:` URL of the bundle. */
  readonly bundle: string
  /**
   * Eight bytes: how far the line's clock is ahead of the machine's, in milliseconds, as a float. Four bytes: the
   * number of events that this worker received.
   */
  readonly shared: SharedArrayBuffer
}

/** One event for a worker. */
export interface WorkerTask {
  readonly exportName: string
  /** The event as JSON text. */
  readonly text: string
  readonly seed: ContextSeed
  /** The response is passed on while it is written. */
  readonly isStreamed: boolean
}

/**
 * A worker's messages: first that it loaded the bundle, or why it could not; then one answer for each task, after the
 * chunks of its response. What it writes comes at any time.
 */
export type WorkerReply =
  | { readonly type: 'ready' }
  | { readonly type: 'broken'; readonly error: HandlerError }
  | WorkerChunk
  | WorkerOutput
  | { readonly type: 'answer'; readonly answer: HandlerAnswer }

/** A part of a response that is streamed. */
export interface WorkerChunk {
  readonly type: 'chunk'
  readonly chunk: Uint8Array
}

/** What the bundle wrote. It precedes the answer of the task that wrote it. */
export interface WorkerOutput {
  readonly type: 'output'
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** The size of `WorkerBoot.shared` in bytes, and the offsets of its fields. */
export const sharedLayout = { bytes: 16, skewAt: 0, receivedAt: 8 } as const
