import { importSdk } from '../dynamodb/requests/client.ts'

/** The functions whose every event asks the table. */
const needTheTable: ReadonlySet<string | undefined> = new Set(['tableStream', 'deliver'])

/**
 * Reads the table's client at init in the functions `tableStream` and `deliver`, which need it for every event, and nothing in any other: init has
 * the whole processor, a first event only its memory's share. `_HANDLER` says which function this is. Await it at the end of an entry that is an
 * ES module. Never throws.
 */
export async function preload(): Promise<void> {
  const name = process.env['_HANDLER']?.split('.').at(-1)
  if (needTheTable.has(name)) await importSdk().catch(() => {}) // the first request tries again, and says what is wrong
}
