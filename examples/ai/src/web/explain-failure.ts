import { trunklineError } from '@trunkline/client'

/** The reason of a failure as a sentence for people. */
export function explainFailure(error: unknown): string {
  switch (trunklineError(error)?.code) {
    case 'STREAM_LOST':
      return 'The answer was cut off, because the function that wrote it was lost. Ask again.'
    case 'CONNECTION_LOST':
    case 'TIMEOUT':
      return 'There was no answer in time. Ask again.'
    default:
      return `It failed: ${(error instanceof Error ? error.message : String(error)).replace(/\.?$/, '.')}`
  }
}
