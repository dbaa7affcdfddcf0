import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LocalLine, startLocalEntry } from '@trunkline/local'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { orders, receipts } from '../src/line.ts'
import type { AppRouter } from '../src/router.ts'

const example = join(import.meta.dirname, '..')
const patience = { timeout: 45_000 }
const folder = mkdtempSync(join(tmpdir(), 'trunkline-service-'))
const running: ChildProcess[] = []

let local: LocalLine<AppRouter>
beforeAll(async () => {
  await build({
    entryPoints: ['service', 'place-order'].map((name) => join(example, `src/${name}.ts`)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['trunkline-source'],
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  })
  local = await startLocalEntry<AppRouter>({ entry: join(example, 'src/lambda.ts') })
}, 90_000)
afterAll(async () => {
  for (const each of running) each.kill('SIGKILL')
  await local?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Starts a program as a process of its own, without the export conditions of the workspace. */
function start(name: string, shop: string, args: readonly string[] = []) {
  const { NODE_OPTIONS, ...inherited } = process.env
  const env = { ...inherited, ...local.environment, LINE_URL: local.url, SHOP: shop, CURSOR: join(folder, shop) }
  const child = spawn(process.execPath, [join(folder, `${name}.mjs`), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(child)
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  return { output: () => output, kill: (signal: NodeJS.Signals) => kill(child, signal), exited: once(child, 'exit') }
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

const publish = (shop: string, number: number) =>
  local.run(() => orders.publish({ shop }, { number, item: `bread ${number}` }))
const confirmed = async (shop: string) =>
  (await local.run(() => receipts.read({ shop }))).events.map(({ data }) => data.number)

it('confirms each order once, in order, while it is killed and started again', async () => {
  await publish('bakery', 1)
  const first = start('service', 'bakery')
  await expect.poll(() => confirmed('bakery'), patience).toEqual([1])
  await publish('bakery', 2)
  await expect.poll(first.output, patience).toContain('order 2')
  await first.kill('SIGKILL')
  for (const number of [3, 4]) await publish('bakery', number)
  const second = start('service', 'bakery')
  await expect.poll(() => confirmed('bakery'), patience).toEqual([1, 2, 3, 4])
  expect(first.output()).toContain('from the first order')
  expect(second.output()).toContain('from the stored cursor')
  await second.kill('SIGTERM')
})

it('goes on when its connection was lost', async () => {
  const service = start('service', 'mill')
  await publish('mill', 1)
  await expect.poll(service.output, patience).toContain('order 1')
  local.faults.cut()
  await publish('mill', 2)
  await expect.poll(() => confirmed('mill'), patience).toEqual([1, 2])
  await service.kill('SIGTERM')
})

it('gets the orders of a script that has AWS credentials alone', async () => {
  const service = start('service', 'kiosk')
  await start('place-order', 'kiosk', ['7', 'Rye bread', 'kiosk']).exited
  await expect.poll(service.output, patience).toContain('order 7: Rye bread')
  await service.kill('SIGTERM')
})
