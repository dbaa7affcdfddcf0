import { InspectorError } from '../inspector/data-source.ts'
import { isDenied } from '../stage/denied.ts'
import type { Stage } from '../stage/stage.ts'

/** What the inspector of a stage reads with. */
export interface StageReader {
  readonly stage: Stage
  readonly store: Awaited<ReturnType<Stage['backend']>>['store']
}

/**
 * Sends a request that needs an IAM action. Rejects with an `InspectorError` that names the action when it is denied,
 * and with one that has AWS's message when it fails otherwise.
 */
export async function request<T>(action: string, send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (thrown) {
    throw new InspectorError(502, describe(action, thrown))
  }
}

function describe(action: string, thrown: unknown): string {
  return isDenied(thrown)
    ? `Your credentials may not call ${action}. Allow it to the credentials with which you run the inspector.`
    : `${action} failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`
}
