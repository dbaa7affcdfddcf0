/**
 * Runs suites and checks, counts the results, and prints the line of counts, for `npm test` and `npm run test:long`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { bin, npm, output, root, run, say } from './steps.mjs'

/**
 * What one step counted, and the failures by file and name.
 * @typedef {{
 *   readonly title: string,
 *   readonly passed: number,
 *   readonly failed: number,
 *   readonly skipped: number,
 *   readonly failures?: readonly string[],
 * }} Counts
 */

export const ci = process.env.CI === 'true'
const reports = mkdtempSync(join(tmpdir(), 'trunkline-test-'))
process.on('exit', () => rmSync(reports, { recursive: true, force: true }))

/**
 * One step that passes or fails as a whole.
 * @param {string} title
 * @param {readonly string[]} args
 * @param {import('./steps.mjs').RunOptions} [options] `deadlineMs` is 10 minutes by default
 * @returns {Promise<Counts>}
 */
export async function check(title, args, options = {}) {
  const code = await timed(title, () => run(args, { output: 'if-failed', deadlineMs: 10 * 60_000, ...options }))
  if (code !== 0) say(`${title} failed with code ${code}`)
  return code === 0 ? { title, passed: 1, failed: 0, skipped: 0 } : { title, passed: 0, failed: 1, skipped: 0 }
}

/**
 * Prints the title of a step when it begins, and how long it took when it ends.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
export async function timed(title, step) {
  say(title)
  const startedAt = Date.now()
  const result = await step()
  say(`${title} took ${Math.round((Date.now() - startedAt) / 1000)} s`)
  return result
}

/**
 * Runs the tests that Vitest's arguments `filter` select.
 * @param {string} title
 * @param {readonly string[]} filter
 * @param {import('./steps.mjs').RunOptions} [options] `deadlineMs` is 10 minutes by default
 * @returns {Promise<Counts>}
 */
export async function suites(title, filter, options = {}) {
  const file = join(reports, `${title.replaceAll(/\W+/g, '-')}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile=${file}`]
  const args = [bin.vitest, 'run', ...filter, ...reporters]
  const code = await timed(title, () => run(args, { deadlineMs: 10 * 60_000, ...options }))
  return { title, ...toCounts(file, code) }
}

/**
 * The counts of a report. A failure without a failing test (a file that did not load, an unhandled rejection, a crash)
 * counts as one.
 * @param {string} file
 * @param {number} code
 * @returns {Omit<Counts, 'title'>}
 */
function toCounts(file, code) {
  const report = readReport(file)
  const passed = report?.numPassedTests ?? 0
  const failed = report?.numFailedTests ?? 0
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped, failures: failuresOf(report) }
}

/**
 * One text for each failed test, and for each file that failed without one: its file, its name, and the first line of
 * its error.
 * @param {any} report Vitest's report in JSON
 * @returns {string[]}
 */
function failuresOf(report) {
  const firstLine = (/** @type {string | undefined} */ text) => text?.split('\n', 1)[0] ?? ''
  return (report?.testResults ?? []).flatMap((/** @type {any} */ file) => {
    if (file.status !== 'failed') return []
    const name = relative(root, file.name)
    const tests = file.assertionResults.filter((/** @type {any} */ test) => test.status === 'failed')
    if (tests.length === 0) return [`${name}: ${firstLine(file.message)}`]
    return tests.map((/** @type {any} */ test) => `${name} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`)
  })
}

/** @param {string} file */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // Vitest ended before it wrote one, and its exit code counts
  }
}

/**
 * Prints the last line, which CI reads, and returns the exit code.
 * @param {readonly Counts[]} counts
 */
export function report(counts) {
  const sum = (/** @type {'passed' | 'failed' | 'skipped'} */ name) =>
    counts.reduce((total, count) => total + count[name], 0)
  const skipped = sum('skipped')
  for (const { title, failed, failures = [] } of counts) {
    if (failed === 0) continue
    say(`failed: ${title} (the output is above)`)
    for (const failure of failures) say(`  ${failure}`)
  }
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  return sum('failed') === 0 ? 0 : 1
}

/**
 * `suites` on another version of Node. If npm cannot install that version, the step is counted as skipped, in CI as
 * failed.
 * @param {number} major
 * @param {string} title
 * @param {readonly string[]} filter
 * @param {import('./steps.mjs').RunOptions} [options] `deadlineMs` is 20 minutes by default
 * @returns {Promise<Counts>}
 */
export async function suitesOnNode(major, title, filter, options = {}) {
  const command = await findNode(major)
  const name = `${title} on Node ${major}`
  if (command !== undefined) return suites(name, filter, { deadlineMs: 20 * 60_000, ...options, command })
  say(`${title} need Node ${major}, and npm could not install it: ${ci ? 'failed' : 'skipped'}`)
  return { title: name, passed: 0, failed: ci ? 1 : 0, skipped: ci ? 0 : 1 }
}

/**
 * Returns the path of a Node of that version: this one, or the one in npm's package `node`.
 * @param {number} major
 * @returns {Promise<string | undefined>}
 */
export async function findNode(major) {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const args = ['exec', '--yes', `--package=node@${major}`, '--', 'node', '-p', 'process.execPath']
  const said = await output([...npm(), ...args]).catch(() => '')
  return said.trim().split('\n').at(-1) || undefined
}
