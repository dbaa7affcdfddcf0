import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { repository } from '../repository.ts'

/**
 * Where AWS's DynamoDB Local is: `TRUNKLINE_DYNAMODB_LOCAL`, or the package that brings it. Undefined where it or Java
 * is missing.
 */
export function findDynamoLocal(): string | undefined {
  const folders = [
    process.env['TRUNKLINE_DYNAMODB_LOCAL'],
    join(repository, 'node_modules/amplify-dynamodb-simulator/emulator'),
  ]
  const found = folders.find((folder) => folder !== undefined && existsSync(join(folder, 'DynamoDBLocal.jar')))
  return found !== undefined && spawnSync('java', ['-version']).status === 0 ? found : undefined
}

/** Starts it in memory on a free port. */
export async function startDynamoLocal(folder: string): Promise<{ readonly endpoint: string; close(): Promise<void> }> {
  const port = await freePort()
  const args = ['-Djava.library.path=./DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar', '-inMemory', '-port', `${port}`]
  const child = spawn('java', ['-Xmx300m', ...args], { cwd: folder, stdio: 'ignore' })
  const endpoint = `http://127.0.0.1:${port}`
  await untilAnswered(endpoint, child)
  return {
    endpoint,
    close: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill()
      }),
  }
}

async function untilAnswered(endpoint: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const answered = await fetch(endpoint).then(
      () => true,
      () => false,
    )
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`DynamoDB Local ended with ${child.exitCode}.`)
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
