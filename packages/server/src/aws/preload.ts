import { loadParts } from '../ports/lazy-part.ts'

/** The functions that use the table for every event. */
const needTheTable: ReadonlySet<string> = new Set(['tableStream', 'deliver'])

/**
 * Imports the table's client and the code that delivers events during init in the functions `tableStream` and
 * `deliver`, which need it for every event. Init has a whole processor, while the first event has only the share that
 * its memory buys. Other functions import nothing. `_HANDLER` names the function. Await it at the end of a handler file
 * that is an ES module. Never throws.
 */
export async function preload(): Promise<void> {
  const name = process.env['_HANDLER']?.split('.').at(-1)
  if (name === undefined || !needTheTable.has(name)) return
  const importSdk = async () => (await import('../dynamodb/requests/client.ts')).importSdk()
  await Promise.allSettled([loadParts(name), importSdk()]) // the first event reports the error
}
