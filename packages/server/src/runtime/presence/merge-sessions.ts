import type { RuntimeContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { presenceAt } from './rows/find-presence.ts'
import type { Sessions } from './rows/member-row.ts'

/**
 * What others see of a member with these sessions, as JSON text; undefined of nobody. The newest session's data, or what `merge` makes of all.
 * A `merge` that throws is reported and the newest shown: whoever leaves must be able to, whatever the application says.
 */
export function shownOf(scope: RuntimeContext, topic: string, sessions: Sessions): string | undefined {
  const newestFirst = Object.values(sessions).sort((a, b) => b.since - a.since)
  const [newest, ...others] = newestFirst.map(({ data }) => data)
  const merge = presenceAt(scope, topic)?.rules.merge
  if (newest === undefined || merge === undefined) return newest
  try {
    return merge([newest, ...others])
  } catch (thrown) {
    scope.server?.report({ error: toTRPCError(thrown), path: undefined, cause: 'frame' })
    return newest
  }
}
