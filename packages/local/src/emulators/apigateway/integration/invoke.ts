import type { LocalClock } from '../../clock.ts'

/** The result of an invocation, as the functions emulator reports it. */
export type InvokeResult =
  | { readonly status: 'ok'; readonly payload: unknown }
  | {
      readonly status: 'error' | 'timeout' | 'throttled'
      readonly errorType?: string
      readonly errorMessage?: string
    }

/** Who reads a response while it is written, of a function that streams it. */
export interface StreamOptions {
  readonly reader: {
    onChunk(chunk: Uint8Array): void
    /** Aborts when the client has left. */
    readonly left: AbortSignal
  }
  /** The response may go on for as long as its client waits. */
  readonly isLive: boolean
}

/**
 * The result as the gateway sees it. `integration-timeout`: the integration limit passed first; the invocation continues
 * and its result is discarded.
 */
export type IntegrationResult = InvokeResult | { readonly status: 'integration-timeout' }

/** Waits at most `limitMs` by the clock for an invocation. Never rejects. */
export function waitForIntegration(
  clock: LocalClock,
  invocation: Promise<InvokeResult>,
  limitMs: number,
): Promise<IntegrationResult> {
  return new Promise((resolve) => {
    const cancel = clock.after(limitMs, () => resolve({ status: 'integration-timeout' }))
    const settle = (result: InvokeResult) => {
      cancel()
      resolve(result)
    }
    invocation.then(settle, (error: unknown) => settle({ status: 'error', errorMessage: String(error) }))
  })
}
