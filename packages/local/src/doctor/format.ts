import type { CheckResult, CheckStatus } from './context/check.ts'

const marks: Readonly<Record<CheckStatus, string>> = {
  passed: 'ok  ',
  failed: 'FAIL',
  warning: 'warn',
  skipped: 'skip',
}

/** The lines of one result: its mark, title and finding, and the remedy. */
export function formatResult({ id, title, status, detail, remedy }: CheckResult): readonly string[] {
  const head = `${marks[status]}  ${id}: ${title}`
  if (status === 'passed') return [`${head}. ${detail}`]
  return [head, `        ${detail}`, ...(remedy === undefined ? [] : [`        → ${remedy}`])]
}

/** `12 passed, 1 failed, 2 warnings, 9 skipped` */
export function formatSummary(results: readonly CheckResult[]): string {
  const count = (status: CheckStatus) => results.filter((result) => result.status === status).length
  const warnings = count('warning')
  return `${count('passed')} passed, ${count('failed')} failed, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}, ${count('skipped')} skipped`
}
