/** `npm test`: installs what is missing, checks, builds, runs every suite, and ends with one line of counts. */
import { findChromium } from './chromium.mjs'
import { check, ci, findNode, report, suites, suitesOnNode, timed } from './counts.mjs'
import { checkNode, install, main, run, say, turbo } from './steps.mjs'

/** @typedef {import('./counts.mjs').Counts} Counts */

const deadlineMs = 30 * 60_000
const isNode24 = process.versions.node.startsWith('24.')
/**
 * Files that explore every interleaving of a scope. They take ten minutes on Node 20 and half of it on Node 24, so they
 * run there alone; `npm run test:long` runs them on each version.
 */
const laws = ['stock', 'generators', 'breaker', 'shard-lease', 'zombies', 'inline', 'presence', 'partitions']
const exhaustive = laws.map((name) => `--exclude=**/law-${name}.test.ts`)

await main(
  async () => {
    checkNode()
    await install()
    const tasks = ['build', 'typecheck', 'types', 'lint', 'knip', 'api']
    const checked = await check(tasks.join(', '), turbo(...tasks))
    // Three sequences at the same time. npm and the browsers mostly wait; the last one uses the processor time that the
    // others leave.
    const isLater = !isNode24 && (await findNode(24)) !== undefined
    // `npm run test:long` runs the tests on other software.
    const excluded = ['--exclude=tests/packed/**', '--exclude=tests/foreign/**', ...(isLater ? exhaustive : [])]
    const others = ['--project=!browser*', ...excluded]
    const counts = await Promise.all([
      inOrder(() => suites('tests', others, { deadlineMs }), browserTests),
      inOrder(() => suites('packages as published', ['--project=packed'], { deadlineMs, output: 'at-end' })),
      inOrder(simulation, fuzzing, ...testsOnNode24()),
    ])
    // Alone at the end, because other programs change the ratios of a benchmark.
    const speed = ci ? [await check('five stable benchmarks', ['scripts/bench-check.mjs'])] : []
    return report([checked, ...counts.flat(), ...speed])
  },
  { stoppedCode: 130 },
)

/**
 * @param {readonly (() => Promise<Counts>)[]} steps
 * @returns {Promise<Counts[]>}
 */
async function inOrder(...steps) {
  const counts = []
  for (const step of steps) counts.push(await step())
  return counts
}

/**
 * The code that is deployed, on the runtime that it is deployed to.
 * @returns {(() => Promise<Counts>)[]}
 */
function testsOnNode24() {
  if (isNode24) return [] // the tests ran on it already
  const options = /** @type {const} */ ({ background: true, output: 'at-end', deadlineMs })
  const gateway = ['--project=local', 'packages/local/src/emulators/apigateway']
  return [
    () => suitesOnNode(24, 'the server', ['--project=server'], options),
    () => suitesOnNode(24, 'the local gateway', gateway, options),
  ]
}

/**
 * The production code under 2,000 schedules of faults; `npm run test:long` runs 20,000. Outside CI, TRUNKLINE_SCHEDULES
 * sets another number.
 * @returns {Promise<Counts>}
 */
async function simulation() {
  const schedules = ci ? '2000' : (process.env.TRUNKLINE_SCHEDULES ?? '2000')
  const args = ['scripts/simulate.mjs', '--schedules', schedules, '--seed', '1']
  const title = `simulation of ${schedules} schedules`
  const command = (await findNode(24)) ?? process.execPath // twice as fast as on Node 20, and the version that is deployed
  const code = await timed(title, () => run(args, { command, deadlineMs, background: true, output: 'at-end' }))
  if (code !== 0) say('the simulation failed: the command above replays it')
  return { title: 'simulation', passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
}

/**
 * The handlers under 100,000 hostile frames, outside CI under 20,000.
 * @returns {Promise<Counts>}
 */
function fuzzing() {
  const frames = ci ? '100000' : '20000'
  const args = ['scripts/fuzz.mjs', '--frames', frames, '--seed', '1']
  return check(`fuzzing of ${frames} frames`, args, { background: true, deadlineMs })
}

/** @returns {Promise<Counts>} */
async function browserTests() {
  const chromium = await findChromium()
  if (chromium !== undefined)
    return suites('browser tests', ['--project=browser*'], { env: { TRUNKLINE_CHROMIUM: chromium }, deadlineMs })
  say(
    `browser tests need a Chromium, and none was found: ${ci ? 'failed' : 'skipped'} (install one, or set TRUNKLINE_CHROMIUM to its path)`,
  )
  return { title: 'browser tests', passed: 0, failed: ci ? 1 : 0, skipped: ci ? 0 : 1 }
}
