import { defined } from '@trunkline/protocol'
import { checks, factChecks, selectChecks, slowFactChecks } from './checks/checks.ts'
import type { CheckResult, CheckStatus, DoctorSettings } from './context/check.ts'
import type { DoctorTarget } from './context/target.ts'
import { runChecks } from './run-checks.ts'

/** Which checks run, and with what. */
export interface DoctorOptions extends DoctorSettings {
  /** The ids of checks; those that they need run too. @default all */
  readonly only?: readonly string[]
  /** Whether what AWS does not document is looked at too. @default false */
  readonly facts?: boolean
  /** Whether what takes 11 minutes is looked at too. @default false */
  readonly slow?: boolean
  /** Ends the checks, after they have undone what they did. @default never */
  readonly interrupted?: AbortSignal
  /** Gets each result as soon as it is known, and how many are still to come. */
  readonly onResult?: (result: CheckResult, remaining: number) => void
}

/** What the doctor found, as `--json` prints it. */
export interface DoctorReport {
  readonly line: string
  readonly kind: 'aws' | 'local'
  /** Whether no check failed. */
  readonly ok: boolean
  readonly counts: Readonly<Record<CheckStatus, number>>
  readonly results: readonly CheckResult[]
}

/** Examines a line. Throws a `UsageError` for an id that no check has. */
export async function runDoctor(target: DoctorTarget, options: DoctorOptions = {}): Promise<DoctorReport> {
  const { only, facts = false, slow = false, interrupted, onResult = () => {}, ...settings } = options
  const all = [...checks, ...(facts || slow ? factChecks : []), ...(slow ? slowFactChecks : [])]
  const chosen = only === undefined ? all : selectChecks([...checks, ...factChecks, ...slowFactChecks], only)
  let remaining = chosen.length
  const results = await runChecks(chosen, { target, settings, ...defined({ interrupted }) }, (result) => {
    remaining -= 1
    onResult(result, remaining)
  })
  const count = (status: CheckStatus) => results.filter((result) => result.status === status).length
  const counts = {
    passed: count('passed'),
    failed: count('failed'),
    warning: count('warning'),
    skipped: count('skipped'),
  }
  return { line: target.name, kind: target.kind, ok: counts.failed === 0, counts, results }
}

const marks: Readonly<Record<CheckStatus, string>> = {
  passed: 'ok  ',
  failed: 'FAIL',
  warning: 'warn',
  skipped: 'skip',
}

/** The lines of one result: its mark and finding, and where something is wrong, what it is about and the remedy. */
export function formatResult({ id, title, status, detail, remedy }: CheckResult): readonly string[] {
  const mark = `${marks[status]}  ${id}: `
  if (status === 'passed' || status === 'skipped') return [mark + detail]
  return [
    `${mark}expected that ${title}`,
    `        ${detail}`,
    ...(remedy === undefined ? [] : [`        → ${remedy}`]),
  ]
}

/** `12 passed, 1 failed, 2 warnings, 9 skipped` */
export function formatCounts({ passed, failed, warning, skipped }: DoctorReport['counts']): string {
  return `${passed} passed, ${failed} failed, ${warning} ${warning === 1 ? 'warning' : 'warnings'}, ${skipped} skipped`
}
