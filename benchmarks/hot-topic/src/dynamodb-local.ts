import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The folder of AWS's DynamoDB Local. Undefined where it or Java is missing. */
export function findDynamoLocal(): string | undefined {
  const installed = resolve('node_modules/amplify-dynamodb-simulator/emulator')
  const folder = process.env['TRUNKLINE_DYNAMODB_LOCAL'] ?? installed
  if (!existsSync(resolve(folder, 'DynamoDBLocal.jar'))) return undefined
  return spawnSync('java', ['-version']).status === 0 ? folder : undefined
}

/** Starts DynamoDB Local in memory on a free port, and waits until it answers. */
export async function startDynamoLocal(folder: string) {
  const port = await freePort()
  const options = ['-Xmx300m', '-Djava.library.path=./DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar']
  const child = spawn('java', [...options, '-inMemory', '-port', `${port}`], { cwd: folder, stdio: 'ignore' })
  const endpoint = `http://127.0.0.1:${port}`
  while (!(await answers(endpoint))) await pause(child)
  return {
    endpoint,
    async close() {
      const ended = new Promise((end) => child.once('exit', end))
      child.kill()
      await ended
    },
  }
}

async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint).then(
    () => true,
    () => false,
  )
}

async function pause(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error(`DynamoDB Local ended with ${child.exitCode} before it answered.`)
  await sleep(200)
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
