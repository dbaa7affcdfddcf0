/**
 * `npm run trpc-suite -- ../trpc` runs tRPC's own WebSocket tests, from a checkout of its repository, against a local
 * line. With `--own` it runs them against tRPC's own server, in this repository's versions. Tests of behaviour that
 * PROTOCOL.md declares to differ are skipped, with the reason in their title.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bin, checkNode, main, root, run, StepFailure } from './steps.mjs'

/**
 * The titles of the skipped tests, each with its reason. A title means its first occurrence that is not skipped yet.
 */
const leftOut = [
  ['createContext throws', 'a context is created for each call: each is answered, and the socket stays open'],
  ['malformatted JSON', 'it expects a stack, and no error has one [TL-ERR-3]'],
  ['subscriptions', 'jsonrpc is echoed in responses and not in the events of a subscription [TL-STOCK-9]'],
  ['pong message should be received', 'it expects a PING of the adapter, and the gateway sends none'],
  ['no pong message should be received', 'the same'],
  [
    'pong message should be received',
    'it stops the timers of the process in which the line runs; stock-client.test.ts has this test',
  ],
  ['should close if no pong is received', 'the same'],
]

/**
 * The procedure of an observable runs twice: for its result, and for its values (decision 13). The suite publishes
 * after the first run, so this waits for the second.
 */
const movedFrom = "ee.emit('subscription:created');\n        onNewMessageSubscription();\n        return sub;"
const movedTo = 'subRef.current = emit;\n'
const moved = "queueMicrotask(() => { ee.emit('subscription:created'); onNewMessageSubscription(); });\n"

await main(async () => {
  checkNode()
  const args = process.argv.slice(2)
  const checkout = args.find((arg) => !arg.startsWith('--'))
  const own = args.includes('--own')
  if (checkout === undefined)
    throw new StepFailure('Expected the path of a checkout of https://github.com/trpc/trpc, got none.')
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
  if (!existsSync(file)) throw new StepFailure(`Expected a checkout of tRPC, but there is no ${file}.`)
  return readFileSync(file, 'utf8')
}

/**
 * The suite with the tests skipped that do not apply to a line.
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
  if (!text.includes(from)) throw new StepFailure(`Expected the suite of tRPC 11.18, but it does not contain ${from}`)
  return text.replace(from, () => to)
}
