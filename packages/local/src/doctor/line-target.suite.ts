import { initTRPC } from '@trpc/server'
import { type AuthorizeResult, anonymous, createLine, deny, type LineMeta } from '@trunkline/server'
import type { LocalLine } from '../line/local-line.ts'
import { startLocalLine } from '../line/start-local-line.ts'
import { environmentStage } from '../stage/environment-stage.ts'
import { checks } from './checks/checks.ts'
import type { CheckResult, DoctorSettings } from './context/check.ts'
import type { DoctorTarget } from './context/target.ts'
import { runChecks } from './run-checks.ts'

const t = initTRPC.context<object>().meta<LineMeta>().create()
const router = t.router({ hello: t.procedure.meta({ anonymous: true }).query(() => 'hello') })

interface LineOptions {
  readonly authorize?: (request: { readonly token: string | undefined }) => AuthorizeResult
  readonly origins?: () => boolean
}

/** A local line whose `authorize` knows the token `good`, refuses others, and lets callers without one be anonymous. */
export function startLine(options: LineOptions = {}): Promise<LocalLine<typeof router>> {
  return startLocalLine<typeof router, AuthorizeResult>({
    router,
    line: createLine(),
    createContext: () => ({}),
    authorize: ({ token }) => {
      if (token === undefined) return anonymous
      return token === 'good'
        ? { principal: 'ann', claims: null, expiresAt: new Date(Date.now() + 3_600_000) }
        : deny('The token is unknown.')
    },
    ...options,
  })
}

/** A target for the doctor on a local line. */
export function targetOf(
  { environment, url, httpUrl }: Pick<LocalLine<typeof router>, 'environment' | 'url' | 'httpUrl'>,
  changes: Partial<DoctorTarget> = {},
): DoctorTarget {
  return { ...environmentStage({}, environment), webSocketUrl: url, httpUrl, ...changes }
}

export const patient: DoctorSettings = { deliveryMs: 30_000 } // a machine that is busy with other tests

/** Runs all checks, or those with these ids. */
export async function examine(
  target: DoctorTarget,
  { settings = patient, of = checks, only }: { settings?: DoctorSettings; of?: typeof checks; only?: string[] } = {},
): Promise<ReadonlyMap<string, CheckResult>> {
  const chosen = only === undefined ? of : of.filter(({ id }) => only.includes(id))
  const results = await runChecks(chosen, { target, settings })
  return new Map(results.map((result) => [result.id, result]))
}
