/**
 * `npm run size`: prints the bytes that a browser loads for `createClient` and `createConnection`: by part, by the
 * guarantee that they pay for, and by file.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { checkNode, main, root, StepFailure } from './steps.mjs'

const code = `
  import { createClient, createConnection } from './index.ts'
  globalThis.client = createClient({ connection: createConnection({ url: 'wss://example.com' }) })
`
const trpc = '@trpc/*'

/** What each block of files pays for. A file belongs to the first block whose pattern its path matches. */
const blocks = [
  {
    pays: 'events: in order, once, without loss, or a gap says so',
    files: /subscriptions\/(?!generator)|sequencer|pages|cursor/,
  },
  {
    pays: 'one connection: back-off, keepalive, hand-over, close',
    files: /lifecycle\/(?!renew-auth|sign-in)|backoff|server-time/,
  },
  { pays: 'calls: one effect, repeats, order, deadlines, outbox', files: /session\/calls\// },
  {
    pays: 'the machine: state, dispatch, unanswered frames, errors',
    files:
      /session\/(step|on-message|on-timer|on-unanswered)|machine\/(transition|state|events|unanswered|trunkline-error)|errors|defined/,
  },
  { pays: 'sockets, timers and callbacks of the runtime', files: /connection\/(?!endpoint|create-transport)/ },
  { pays: "tRPC's link: its types, transformers, retries, aborts", files: /client\/src\/trpc\// },
  {
    pays: 'wrong options and requests are refused before they are sent',
    files: /endpoint|settings|check-frame|bounds|depth|limits|subprotocol|create-transport/,
  },
  { pays: 'malformed frames change nothing', files: /decode-server-message/ },
  { pays: 'messages in chunks, in both directions', files: /chunk|send-frame/ },
  { pays: 'identity: renewal of tokens, sign-in', files: /renew-auth|sign-in/ },
  { pays: 'generators: values in order, a lost run is reported', files: /generator/ },
  { pays: 'the page of this measurement', files: /<stdin>/ },
]

await main(async () => {
  checkNode()
  if (!existsSync(join(root, 'node_modules/esbuild')))
    throw new StepFailure('run `npm ci` first: the packages are missing')
  const [all, withoutTrpc, own] = [await bundle([]), await bundle([trpc]), await bundle([trpc, 'partysocket'])]
  print('total', all.gzipBytes)
  print('  createTRPCClient', all.gzipBytes - withoutTrpc.gzipBytes)
  print('  partysocket', withoutTrpc.gzipBytes - own.gzipBytes)
  print('  the rest, by file in the same proportion', own.gzipBytes)
  const minified = own.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const share = (/** @type {{ readonly bytes: number }[]} */ files) =>
    (own.gzipBytes * files.reduce((sum, { bytes }) => sum + bytes, 0)) / minified
  for (const { pays, files } of inBlocks(own.files)) {
    print(`    ${pays}`, share(files))
    for (const file of files) print(`      ${file.name}`, share([file]))
  }
  return 0
})

/**
 * The blocks with their files, the largest first.
 * @param {{ readonly name: string, readonly bytes: number }[]} files
 */
function inBlocks(files) {
  const found = blocks.map(({ pays }) => ({ pays, files: /** @type {typeof files} */ ([]), bytes: 0 }))
  for (const file of files) {
    const block = found[blocks.findIndex((each) => each.files.test(file.name))]
    if (block === undefined)
      throw new StepFailure(
        `Expected each file in a block of scripts/size.mjs; ${file.name} is in none. Add it to one.`,
      )
    block.files.push(file)
    block.bytes += file.bytes
  }
  return found.sort((a, b) => b.bytes - a.bytes)
}

/**
 * @param {string} what
 * @param {number} bytes
 */
function print(what, bytes) {
  process.stdout.write(`${what.padEnd(70)} ${(bytes / 1_024).toFixed(2).padStart(6)} KB gzip\n`)
}

/** Bundles as `packages/client/src/bundle.test.ts` does. @param {string[]} external */
async function bundle(external) {
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: join(root, 'packages/client/src'), loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    absWorkingDir: root,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['trunkline-source'],
    external,
  })
  const [output] = Object.values(metafile.outputs)
  const files = Object.entries(output?.inputs ?? {})
    .map(([file, { bytesInOutput }]) => ({ name: file.replace('packages/', ''), bytes: bytesInOutput }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
  return { gzipBytes: gzipSync(outputFiles[0]?.contents ?? '').length, files }
}
