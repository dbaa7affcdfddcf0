import type { FunctionErrorReport } from '../emulators/lambda/functions.ts'

/** Prints a function's error as Lambda writes it to the function's log. Injected errors are not printed. */
export function printFailure({ name, result, injected }: FunctionErrorReport): void {
  if (injected || result.status !== 'error') return
  const { errorType = 'Error', errorMessage = '', trace = [] } = result
  console.error(`The function ${name} failed: ${trace.length > 0 ? trace.join('\n') : `${errorType}: ${errorMessage}`}`)
}
