import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startLocalEntry } from '@trunkline/local'

/**
 * The whole example on this machine: a line, a script that places an order each second, and the service, which is killed
 * after every fourth order and started again. It ends after 12 orders, or with Ctrl-C.
 */
const items = ['Rye bread', 'Plum cake', 'Poppy roll', 'Apple pie']
const example = join(import.meta.dirname, '..')
const folder = await mkdtemp(join(tmpdir(), 'trunkline-orders-'))
await using local = await startLocalEntry({ entry: join(example, 'src/lambda.ts') })

function start(program: string, args: readonly string[] = []): ChildProcess {
  const env = { ...process.env, ...local.environment, LINE_URL: local.url, CURSOR: join(folder, 'cursor') }
  return spawn(process.execPath, [join(example, `dist/${program}.js`), ...args], { env, stdio: 'inherit' })
}

console.log('the service starts')
let service = start('service')
for (let number = 1; number <= 12; number++) {
  await once(start('place-order', [String(number), items[number % items.length] ?? '']), 'exit')
  await pause(1_000)
  if (number % 4 === 0) {
    service.kill('SIGKILL')
    await once(service, 'exit')
    console.log('the service was killed')
  }
  if (number % 4 === 2 && service.killed) {
    console.log('the service starts again')
    service = start('service')
  }
}
if (service.killed) service = start('service')
await pause(3_000)
service.kill('SIGTERM')
await once(service, 'exit')
await rm(folder, { recursive: true, force: true })
