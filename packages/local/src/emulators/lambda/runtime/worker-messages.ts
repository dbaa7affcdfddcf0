import type { HandlerAnswer, HandlerError } from './call-handler.ts'
import type { ContextSeed } from './lambda-context.ts'

/** What a worker is started with. */
export interface WorkerBoot {
  /** `file:` URL of the bundle. */
  readonly bundle: string
  /** Eight bytes: how far the line's clock is ahead of the machine's, in milliseconds, as a float. Four bytes: how many events this worker was given. */
  readonly shared: SharedArrayBuffer
}

/** One event for a worker. */
export interface WorkerTask {
  readonly exportName: string
  /** The event as JSON text. */
  readonly text: string
  readonly seed: ContextSeed
}

/** What a worker says: once that it has loaded the bundle or why it could not, then one answer for each task. */
export type WorkerReply =
  | { readonly type: 'ready' }
  | { readonly type: 'broken'; readonly error: HandlerError }
  | { readonly type: 'answer'; readonly answer: HandlerAnswer }

/** Bytes of `WorkerBoot.shared`, and where its parts begin. */
export const sharedLayout = { bytes: 16, skewAt: 0, givenAt: 8 } as const
