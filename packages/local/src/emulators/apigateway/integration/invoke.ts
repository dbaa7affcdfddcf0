import type { LocalClock } from '../../clock.ts'

/** What became of an invocation, as the functions runtime tells it. */
export type InvokeResult =
  | { readonly status: 'ok'; readonly payload: unknown }
  | {
      readonly status: 'error' | 'timeout' | 'throttled'
      readonly errorType?: string
      readonly errorMessage?: string
    }

/** As the gateway sees it: `late` when the integration limit passed first. The invocation goes on then, its result is thrown away. */
export type IntegrationResult = InvokeResult | { readonly status: 'late' }

/** Waits for an invocation at most `limitMs` by the clock. Never rejects. */
export function waitForIntegration(
  clock: LocalClock,
  invocation: Promise<InvokeResult>,
  limitMs: number,
): Promise<IntegrationResult> {
  return new Promise((resolve) => {
    const cancel = clock.after(limitMs, () => resolve({ status: 'late' }))
    const settle = (result: InvokeResult) => {
      cancel()
      resolve(result)
    }
    invocation.then(settle, (error: unknown) => settle({ status: 'error', errorMessage: String(error) }))
  })
}
