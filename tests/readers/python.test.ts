import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository } from '../repository.ts'
import { inTurn, startProxy, type Treatment } from './proxy.ts'
import { startWorld, upTo } from './world.ts'

const script = join(repository, 'examples/read-from-python/follow.py')
const hasPython = (() => {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

let world: Awaited<ReturnType<typeof startWorld>>
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trunkline-python-'))
  world = await startWorld()
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

type Printed = { readonly n?: number; readonly outcome?: string }

/** Runs the script until `until` says so, and returns what it printed. */
function follow(address: string, name: string, until: (printed: readonly Printed[]) => boolean): Promise<Printed[]> {
  const python = spawn('python3', [script, address, JSON.stringify({ name }), join(folder, name)])
  const printed: Printed[] = []
  let text = ''
  python.stdout.on('data', (data) => {
    text += String(data)
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) printed.push(JSON.parse(line) as Printed)
    if (until(printed)) setTimeout(() => python.kill(), 300) // it keeps its offset after it has printed
  })
  python.stderr.on('data', (data) => console.error(String(data)))
  return new Promise((resolve) => python.once('close', () => resolve(printed)))
}

const numbersOf = (printed: readonly Printed[]) => printed.flatMap(({ n }) => (n === undefined ? [] : [n]))
const faults: readonly Treatment[] = ['stream', 'cut', 'buffer', 'refuse', 'own-page', 'cut', 'bad-gateway']

describe.skipIf(!hasPython)('A script of the standard library of Python', () => {
  test('misses and doubles no event of a channel under cuts, and resumes from its file', async () => {
    const proxy = await startProxy(() => world.url, inTurn(faults))
    const address = `${proxy.url}/dev/read/numbers`
    const publishing = world.publish('channel', 40, 30)
    const first = await follow(address, 'channel', (printed) => printed.length >= 15)
    const second = await follow(address, 'channel', (printed) => printed.at(-1)?.n === 39)
    await publishing
    await proxy.close()
    expect(numbersOf([...first, ...second])).toEqual(upTo(40))
    expect([...proxy.counts.keys()]).toEqual(expect.arrayContaining(['cut', 'refuse', 'own-page']))
  })

  test('misses and doubles no chunk of a stream under cuts, and prints its outcome', async () => {
    const proxy = await startProxy(() => world.url, inTurn(faults))
    await world.start('stream', 40, 25)
    const printed = await follow(`${proxy.url}/dev/read/counts`, 'stream', () => false)
    await proxy.close()
    expect(numbersOf(printed)).toEqual(upTo(40))
    expect(printed.at(-1)).toEqual({ outcome: 'done' })
  })
})
