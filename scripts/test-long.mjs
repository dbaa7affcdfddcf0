/**
 * `npm run test:long`: tests that take too long for `npm test`. The suites of the four packages on Node 22 and 24, the
 * law of streams in up to 10,000,000 states of each scope, all counts of requests, every starter by itself, 20,000
 * schedules, and the suites on other software, which npm installs into a separate folder. The last line has the counts.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, findNode, report, suites, suitesOnNode } from './counts.mjs'
import { checkNode, install, main, npm, root, run, say, turbo } from './steps.mjs'

/** Not in package-lock.json: no package needs them to run, and one contains 40 MB of Java. */
const foreign = {
  'amplify-dynamodb-simulator': '2.9.30',
  'aws-lambda-ric': '4.0.2',
  'serverless-offline': '14.8.2',
}
/** What is installed together with a package. @type {Readonly<Record<string, readonly string[]>>} */
const companions = { 'serverless-offline': ['serverless-offline-dynamodb-streams@8.0.1'] }
const packages = ['protocol', 'server', 'client', 'local']
const folder = join(root, 'node_modules', '.foreign')

await main(
  async () => {
    checkNode()
    await install()
    await installForeign()
    const schedules = process.env.TRUNKLINE_SCHEDULES ?? '20000'
    const counts = [
      await check('build', turbo('build')),
      ...(await onNode(22)),
      ...(await onNode(24)),
      await suites('a burst of 1,000 mutations', ['--project=local', 'packages/local/src/line/load.test.ts'], {
        env: { TRUNKLINE_BURST: '1000' },
      }),
      await suites('the law of streams', ['--project=server', 'producers/law-streams'], {
        env: {
          TRUNKLINE_STREAM_STATES: process.env.TRUNKLINE_STREAM_STATES ?? '10000000',
          NODE_OPTIONS: '--max-old-space-size=6144',
        },
        deadlineMs: 90 * 60_000,
      }),
      await suites('all counts of requests', ['--project=repository', 'tests/limits/limits.test.ts'], {
        env: { TRUNKLINE_LIMITS: 'all' },
        deadlineMs: 20 * 60_000,
      }),
      await suites('the model of scale', ['--project=repository', 'tests/scale'], {
        env: { TRUNKLINE_SCALE: 'all' },
        deadlineMs: 20 * 60_000,
      }),
      await suites('every starter, installed by itself', ['--project=packed', 'tests/packed/starters.test.ts'], {
        env: { TRUNKLINE_STARTERS: 'all' },
        deadlineMs: 60 * 60_000,
      }),
      await simulation(schedules),
      await suites('other software', ['--project=foreign'], {
        env: {
          TRUNKLINE_DYNAMODB_LOCAL: join(modulesOf('amplify-dynamodb-simulator'), 'emulator'),
          TRUNKLINE_LAMBDA_RIC: modulesOf('aws-lambda-ric'),
          TRUNKLINE_SERVERLESS_OFFLINE: modulesOf('serverless-offline'),
          TRUNKLINE_LAMBDA_NODE: (await findNode(24)) ?? process.execPath,
        },
        deadlineMs: 30 * 60_000,
      }),
    ]
    return report(counts)
  },
  { stoppedCode: 130 },
)

/** @param {number} major */
async function onNode(major) {
  const counts = []
  for (const name of packages) counts.push(await suitesOnNode(major, name, [`--project=${name}`]))
  return counts
}

/** @param {string} schedules */
async function simulation(schedules) {
  const title = `simulation of ${schedules} schedules`
  say(title)
  const args = ['scripts/simulate.mjs', '--schedules', schedules, '--seed', '1000000']
  const code = await run(args, { command: (await findNode(24)) ?? process.execPath, deadlineMs: 60 * 60_000 })
  return { title, passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
}

/** Installs each package separately: if one cannot be installed or built, only its own tests are skipped. */
async function installForeign() {
  for (const [name, version] of Object.entries(foreign)) {
    if (existsSync(modulesOf(name))) continue
    const at = join(folder, name)
    mkdirSync(at, { recursive: true })
    writeFileSync(join(at, 'package.json'), '{"private":true}')
    say(`installing ${name}`)
    // without peers: one is the Serverless Framework, in whose place the tests run osls
    const options = ['--no-audit', '--no-fund', '--loglevel=error', '--no-package-lock', '--legacy-peer-deps']
    const wanted = [`${name}@${version}`, ...(companions[name] ?? [])]
    const code = await run([...npm(), 'install', '--prefix', at, ...options, ...wanted], {
      output: 'if-failed',
      deadlineMs: 45 * 60_000, // the runtime client compiles curl
    })
    if (code !== 0) say(`${name} could not be installed: its tests are skipped`)
  }
}

/** @param {string} name */
function modulesOf(name) {
  return join(folder, name, 'node_modules', name)
}
