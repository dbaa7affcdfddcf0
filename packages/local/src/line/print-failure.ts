import type { InvokeResult } from '../emulators/lambda/invocations/lambda-function.ts'

/** A run that ended in an error. */
export interface FailedRun {
  readonly name: string
  readonly result: InvokeResult
  /** A fault rule asked for it. */
  readonly injected: boolean
}

/**
 * Prints what a function threw, as Lambda writes it to the function's log. What a fault rule asked for is not printed.
 */
export function printFailure({ name, result, injected }: FailedRun): void {
  if (injected || result.status !== 'error') return
  const { errorType = 'Error', errorMessage = '', trace = [] } = result
  console.error(`The function ${name} failed. ${trace.length > 0 ? trace.join('\n') : `${errorType}: ${errorMessage}`}`)
}
