/**
 * `npm run trpc-suite -- ../trpc` runs tRPC's own WebSocket tests, from a checkout of its repository, against a local line; with `--own`
 * against tRPC's own server, with this repository's versions. What a line declares to do otherwise is left out, and said.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bin, checkNode, main, root, run, StepFailure } from './steps.mjs'

/** Tests that ask for what a line declares not to do, or that cannot ask it, by what tells them apart: the first match is meant. */
const leftOut = [
  ['createContext throws', 'a context is made for each call: each is answered, and the socket lives on'],
  ['malformatted JSON', 'it asks for a stack, and no error of a line holds one [TL-ERR-3]'],
  ['subscriptions', 'jsonrpc is echoed in answers and not in the events of a subscription [TL-STOCK-9]'],
  ['pong message should be received', "the adapter's own PING: the gateway sends none"],
  ['no pong message should be received', 'the same'],
  [
    'pong message should be received',
    'it stops the timers of the process, where the line runs: stock-client.test.ts has it',
  ],
  ['should close if no pong is received', 'the same'],
]

/** The procedure of an observable runs twice, for what it returns and to be subscribed to (decision 13): the suite waits for its first run and then publishes. */
const movedFrom = "ee.emit('subscription:created');\n        onNewMessageSubscription();\n        return sub;"
const movedTo = 'subRef.current = emit;\n'
const moved = "queueMicrotask(() => { ee.emit('subscription:created'); onNewMessageSubscription(); });\n"

await main(async () => {
  checkNode()
  const args = process.argv.slice(2)
  const checkout = args.find((arg) => !arg.startsWith('--'))
  const own = args.includes('--own')
  if (checkout === undefined) throw new StepFailure('name a checkout of https://github.com/trpc/trpc')
  const folder = join(root, 'tests/trpc-suite/suite')
  mkdirSync(folder, { recursive: true })
  try {
    const suite = read(checkout, 'packages/tests/server/websockets.test.ts')
    writeFileSync(join(folder, 'websockets.test.ts'), own ? suite : adapt(suite))
    writeFileSync(join(folder, 'waitError.ts'), read(checkout, 'packages/server/src/__tests__/waitError.ts'))
    const vitest = [bin.vitest, 'run', '--config', 'tests/trpc-suite/vitest.config.ts', '--reporter=verbose']
    return await run(vitest, { env: own ? { TRPC_SUITE_OWN: '1' } : {}, deadlineMs: 10 * 60_000 })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/**
 * @param {string} checkout
 * @param {string} path
 */
function read(checkout, path) {
  const file = join(resolve(process.env.INIT_CWD ?? '.', checkout), path)
  if (!existsSync(file)) throw new StepFailure(`expected a checkout of tRPC: there is no ${file}`)
  return readFileSync(file, 'utf8')
}

/**
 * The suite as a line can be asked it.
 * @param {string} suite
 */
function adapt(suite) {
  const runs = replaceOnce(replaceOnce(suite, movedFrom, 'return sub;'), movedTo, movedTo + moved)
  return leftOut.reduce(
    (text, [name = '', why = '']) =>
      replaceOnce(text, `test('${name}'`, `test.skip(${JSON.stringify(`${name}: ${why}`)}`),
    runs,
  )
}

/**
 * @param {string} text
 * @param {string} from
 * @param {string} to
 */
function replaceOnce(text, from, to) {
  if (!text.includes(from)) throw new StepFailure(`this suite is another than was met so far: it has no ${from}`)
  return text.replace(from, () => to)
}
