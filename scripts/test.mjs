/** `npm test`: installs what is missing, checks, builds, runs every suite, and ends with one line of counts. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium } from './chromium.mjs'
import { bin, checkNode, install, main, run, say, turbo } from './steps.mjs'

/** @typedef {{ readonly title: string, readonly passed: number, readonly failed: number, readonly skipped: number }} Counts */

const ci = process.env.CI === 'true'
const reports = mkdtempSync(join(tmpdir(), 'trunkline-test-'))

await main(
  async () => {
    checkNode()
    await install()
    const counts = [
      await check('lint', [bin.biome, 'check', '.']),
      await check('typecheck', turbo('typecheck')),
      await check('typecheck of the root', ['node_modules/typescript/bin/tsc', '-p', 'tests/tsconfig.json']),
      await check('build', turbo('build')),
      await suites('tests', ['--project=!browser*', '--exclude=tests/packed/**']),
      await suites('packages as published', ['--project=packed']),
      await simulation(),
      await browserTests(),
    ]
    return report(counts)
  },
  { stoppedCode: 130 },
)
rmSync(reports, { recursive: true, force: true })

/**
 * One step that passes or fails as a whole.
 * @param {string} title
 * @param {readonly string[]} args
 * @returns {Promise<Counts>}
 */
async function check(title, args) {
  say(title)
  const code = await run(args, { quiet: true, deadlineMs: 5 * 60_000 })
  if (code !== 0) say(`${title} failed with code ${code}`)
  return code === 0 ? { title, passed: 1, failed: 0, skipped: 0 } : { title, passed: 0, failed: 1, skipped: 0 }
}

/**
 * The vitest projects that `filter` names.
 * @param {string} title
 * @param {readonly string[]} filter
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Counts>}
 */
async function suites(title, filter, env = {}) {
  say(title)
  const file = join(reports, `${title.replaceAll(' ', '-')}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile=${file}`]
  const code = await run([bin.vitest, 'run', ...filter, ...reporters], { env, deadlineMs: 10 * 60_000 })
  return { title, ...toCounts(file, code) }
}

/**
 * The production code under 10,000 schedules of faults. A laptop may ask for fewer by TRUNKLINE_SCHEDULES; CI never does.
 * @returns {Promise<Counts>}
 */
async function simulation() {
  const schedules = ci ? '10000' : (process.env.TRUNKLINE_SCHEDULES ?? '10000')
  say(`simulation of ${schedules} schedules`)
  const code = await run(['scripts/simulate.mjs', '--schedules', schedules, '--seed', '1'], { deadlineMs: 15 * 60_000 })
  if (code !== 0) say('the simulation failed: the command above replays it')
  return { title: 'simulation', passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
}

/** @returns {Promise<Counts>} */
async function browserTests() {
  const chromium = await findChromium()
  if (chromium !== undefined) return suites('browser tests', ['--project=browser*'], { TRUNKLINE_CHROMIUM: chromium })
  say(
    `browser tests need a Chromium, and none was found: ${ci ? 'failed' : 'skipped'} (install one, or name it in TRUNKLINE_CHROMIUM)`,
  )
  return { title: 'browser tests', passed: 0, failed: ci ? 1 : 0, skipped: ci ? 0 : 1 }
}

/**
 * Counts of a report. What failed without a failing test (a file that did not load, an unhandled rejection, a crash) counts as one.
 * @param {string} file
 * @param {number} code
 * @returns {Omit<Counts, 'title'>}
 */
function toCounts(file, code) {
  const report = readReport(file)
  const passed = report?.numPassedTests ?? 0
  const failed = report?.numFailedTests ?? 0
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0)
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed, skipped }
}

/** @param {string} file */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined // vitest ended before it could write one: its code tells
  }
}

/**
 * The last line, which CI reads.
 * @param {readonly Counts[]} counts
 */
function report(counts) {
  const sum = (/** @type {'passed' | 'failed' | 'skipped'} */ name) =>
    counts.reduce((total, count) => total + count[name], 0)
  const skipped = sum('skipped')
  const failed = counts.filter((count) => count.failed > 0).map(({ title }) => title)
  if (failed.length > 0) say(`failed: ${failed.join(', ')} (what failed is above)`)
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  return sum('failed') === 0 ? 0 : 1
}
