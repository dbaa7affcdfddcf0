/** `npm test`: installs what is missing, checks, builds, runs every suite, and ends with one line of counts. */
import { findChromium } from './chromium.mjs'
import { check, ci, report, suites, suitesOnNode, timed } from './counts.mjs'
import { bin, checkNode, install, main, run, say, turbo } from './steps.mjs'

/** @typedef {import('./counts.mjs').Counts} Counts */

await main(
  async () => {
    checkNode()
    await install()
    const checked = [
      await check('lint', [bin.biome, 'check', '.']),
      await check('typecheck', turbo('typecheck')),
      await check('typecheck of the root', ['node_modules/typescript/bin/tsc', '-p', 'tests/tsconfig.json']),
      await check('build', turbo('build')),
      await suites('tests', ['--project=!browser*', '--exclude=tests/packed/**'], { deadlineMs: 20 * 60_000 }),
    ]
    // npm and the browsers leave the processor idle for most of their time, and the simulation takes what is left
    const [simulated, rest] = await Promise.all([simulation(), slowerSuites()])
    return report([...checked, simulated, ...rest])
  },
  { stoppedCode: 130 },
)

/** @returns {Promise<Counts[]>} */
async function slowerSuites() {
  return [
    await suites('packages as published', ['--project=packed']),
    await browserTests(),
    // the runtime that is deployed
    await suitesOnNode(24, 'the server', ['--project=server']),
    await suitesOnNode(24, 'the local gateway', ['--project=local', 'packages/local/src/emulators/apigateway']),
  ]
}

/**
 * The production code under 5,000 schedules of faults; `npm run test:long` runs 20,000. A laptop may ask for fewer by TRUNKLINE_SCHEDULES; CI never does.
 * @returns {Promise<Counts>}
 */
async function simulation() {
  const schedules = ci ? '5000' : (process.env.TRUNKLINE_SCHEDULES ?? '5000')
  const args = ['scripts/simulate.mjs', '--schedules', schedules, '--seed', '1']
  const title = `simulation of ${schedules} schedules`
  const code = await timed(title, () => run(args, { deadlineMs: 20 * 60_000, background: true }))
  if (code !== 0) say('the simulation failed: the command above replays it')
  return { title: 'simulation', passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
}

/** @returns {Promise<Counts>} */
async function browserTests() {
  const chromium = await findChromium()
  if (chromium !== undefined)
    return suites('browser tests', ['--project=browser*'], { env: { TRUNKLINE_CHROMIUM: chromium } })
  say(
    `browser tests need a Chromium, and none was found: ${ci ? 'failed' : 'skipped'} (install one, or name it in TRUNKLINE_CHROMIUM)`,
  )
  return { title: 'browser tests', passed: 0, failed: ci ? 1 : 0, skipped: ci ? 0 : 1 }
}
