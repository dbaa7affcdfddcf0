import { importSdk } from '../dynamodb/requests/client.ts'

/** The functions that use the table for every event. */
const needTheTable: ReadonlySet<string | undefined> = new Set(['tableStream', 'deliver'])

/**
 * Imports the table's client during init in the functions `tableStream` and `deliver`, which need it for every event.
 * Init has a whole processor, while the first event has only the share that its memory buys. Other functions import
 * nothing. `_HANDLER` names the function. Await it at the end of a handler file that is an ES module. Never throws.
 */
export async function preload(): Promise<void> {
  const name = process.env['_HANDLER']?.split('.').at(-1)
  if (needTheTable.has(name)) await importSdk().catch(() => {}) // the first request tries again and reports the error
}
