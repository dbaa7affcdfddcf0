import type { RuntimeContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { presenceAt } from './rows/find-presence.ts'
import type { Sessions } from './rows/member-row.ts'

/**
 * The visible data of a member with these sessions, as JSON text: the newest session's data, or the result of `merge`
 * over all. Undefined without sessions. If `merge` throws, the error is reported and the newest data is used, so that a
 * session can always leave.
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
