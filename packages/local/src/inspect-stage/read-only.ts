import { InspectorError } from '../inspector/data-source.ts'
import type { Stage } from '../stage/stage.ts'

/** What the inspector of a stage reads with. */
export interface StageReader {
  readonly stage: Stage
  readonly store: Awaited<ReturnType<Stage['backend']>>['store']
}

const deniedNames = /^(?:AccessDenied|AccessDeniedException|ForbiddenException|UnauthorizedOperation)$/

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
  const { name, message, cause } = thrown instanceof Error ? thrown : new Error(String(thrown))
  const names = [name, cause instanceof Error ? cause.name : '']
  return names.some((each) => deniedNames.test(each))
    ? `Your credentials may not call ${action}. Allow it to the credentials with which you run the inspector.`
    : `${action} failed: ${message}`
}
