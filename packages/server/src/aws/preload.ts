import { loadParts } from '../ports/lazy-part.ts'

/** The functions that use the table for nearly every event. `handler` is one function for all events. */
const needTheTable: ReadonlySet<string> = new Set(['tableStream', 'deliver', 'handler'])

/**
 * Imports the table's client and the code that delivers events during init in the functions `tableStream` and
 * `deliver`, which need it for every event, and in the one function `handler`, which has their events too. Init has a
 * whole processor, while the first event has only the share that its memory buys. Other functions import nothing. Await
 * it at the end of a handler file that is an ES module. Never throws.
 */
export async function preload(): Promise<void> {
  if (!needTheTable.has(functionName())) return
  const importSdk = async () => (await import('../dynamodb/requests/client.ts')).importSdk()
  await Promise.allSettled([loadParts('deliver'), importSdk()]) // the first event reports the error
}

/**
 * The export that Lambda runs, in `_HANDLER`. A module that exports only `handler` may be deployed as one function for
 * each purpose: the end of their names says which.
 */
function functionName(): string {
  const { _HANDLER: handler = '', AWS_LAMBDA_FUNCTION_NAME: deployed = '' } = process.env
  const exported = handler.split('.').at(-1) ?? ''
  const [, purpose = exported] = /-(authorizer|websocket|worker|http)$/.exec(deployed) ?? []
  return exported === 'handler' ? purpose : exported
}
