import type { InvokeResult } from '../emulators/lambda/invocations/lambda-function.ts'

/** A run that ended in an error. */
export interface FailedRun {
  readonly name: string
  readonly result: InvokeResult
  /** True when a fault rule caused the error. */
  readonly injected: boolean
}

/** Prints a function's error as Lambda writes it to the function's log. Injected errors are not printed. */
export function printFailure({ name, result, injected }: FailedRun): void {
  if (injected || result.status !== 'error') return
  const { errorType = 'Error', errorMessage = '', trace = [] } = result
  console.error(`The function ${name} failed: ${trace.length > 0 ? trace.join('\n') : `${errorType}: ${errorMessage}`}`)
}
