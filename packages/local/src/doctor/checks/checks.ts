import { UsageError } from '../../stage/usage-error.ts'
import type { Check } from '../context/check.ts'
import { accountChecks } from './account.ts'
import { apiChecks } from './api.ts'
import { deliveryChecks } from './delivery.ts'
import { factChecks, slowFactChecks } from './facts.ts'
import { functionChecks } from './functions.ts'
import { iamChecks } from './iam.ts'
import { queueChecks } from './queues.ts'
import { socketChecks } from './sockets.ts'
import { tableChecks } from './table.ts'
import { versionChecks } from './versions.ts'

/** The checks of every run, in the order in which they are printed. A check is after those that it needs. */
export const checks: readonly Check[] = [
  ...accountChecks,
  ...tableChecks,
  ...socketChecks,
  ...apiChecks,
  ...functionChecks,
  ...iamChecks,
  ...queueChecks,
  ...deliveryChecks,
  ...versionChecks,
]

/** What `--facts` adds, and what `--slow` adds to it. */
export { factChecks, slowFactChecks }

/**
 * The checks with these ids and those that they need. Throws a `UsageError` that names an id that no check has.
 */
export function selectChecks(all: readonly Check[], ids: readonly string[]): readonly Check[] {
  const byId = new Map(all.map((check) => [check.id, check]))
  const selected = new Set<string>()
  const add = (id: string) => {
    const check = byId.get(id)
    if (check === undefined)
      throw new UsageError(`Expected --only to name checks, got ${id}. There are ${[...byId.keys()].join(', ')}.`)
    selected.add(id)
    for (const needed of check.needs ?? []) add(needed)
  }
  for (const id of ids) add(id)
  return all.filter(({ id }) => selected.has(id))
}
