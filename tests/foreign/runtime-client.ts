import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { repository } from '../repository.ts'

/** AWS's runtime client and a Node that runs it. */
export interface RuntimeClient {
  /** The package's entry. */
  readonly entry: string
  readonly node: string
}

/**
 * Finds AWS's Lambda runtime client: the folder of the package `aws-lambda-ric` 4 in `TRUNKLINE_LAMBDA_RIC`, else in
 * `node_modules`. It needs Node 22 or later: `TRUNKLINE_LAMBDA_NODE`, else the Node that runs the test. Undefined where
 * either is missing, or the package's native part is not built.
 */
export function findRuntimeClient(): RuntimeClient | undefined {
  const folders = [process.env['TRUNKLINE_LAMBDA_RIC'], join(repository, 'node_modules/aws-lambda-ric')]
  const folder = folders.find((each) => each !== undefined && existsSync(join(each, 'rapid-client.node')))
  const node = process.env['TRUNKLINE_LAMBDA_NODE'] ?? process.execPath
  const version = spawnSync(node, ['-p', 'process.versions.node.split(".")[0]']).stdout?.toString() ?? ''
  return folder === undefined || !(Number(version) >= 22) ? undefined : { entry: join(folder, 'index.mjs'), node }
}

/** A function in a process of its own, which is stopped (SIGSTOP) whenever it has no event, as Lambda freezes it. */
export interface FrozenFunction {
  /** Thaws it, gives it an event, and freezes it again when it has answered. */
  invoke(event: unknown): Promise<unknown>
  close(): Promise<void>
}

/** Starts `handler` (`file.export`) of a folder under the runtime client, with a Runtime API in this process. */
export async function startFrozenFunction(
  { entry, node }: RuntimeClient,
  { folder, handler, env }: { folder: string; handler: string; env: Readonly<Record<string, string>> },
): Promise<FrozenFunction> {
  let poll: ServerResponse | undefined
  let polled = () => {}
  let answered: (answer: string) => void = () => {}
  const nextPoll = () => (poll === undefined ? new Promise<void>((resolve) => (polled = resolve)) : Promise.resolve())
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    if (request.url?.endsWith('/invocation/next')) {
      poll = response
      return polled()
    }
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}')
    answered(Buffer.concat(chunks).toString())
  })
  const port = await listen(server)
  const child = spawn(node, [entry, handler], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      AWS_LAMBDA_FUNCTION_NAME: 'frozen',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/frozen',
      AWS_LAMBDA_LOG_STREAM_NAME: 'frozen',
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: handler,
      ...env,
    },
  })
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`The runtime client ended with ${code}.`))),
  )
  ended.catch(() => {})
  let count = 0
  const give = async (event: unknown): Promise<string> => {
    child.kill('SIGCONT')
    await nextPoll()
    const answer = new Promise<string>((resolve) => (answered = resolve))
    poll?.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': `request-${++count}`,
      'lambda-runtime-deadline-ms': String(Date.now() + 28_000),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-west-1:000000000000:function:frozen',
    })
    poll?.end(JSON.stringify(event))
    poll = undefined
    const text = await answer
    await nextPoll() // it asks for the next event before it is frozen
    child.kill('SIGSTOP')
    return text
  }
  return {
    invoke: async (event) => JSON.parse(await Promise.race([give(event), ended])),
    close: () => end(child, server),
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function end(child: ChildProcess, server: Server): Promise<void> {
  const exited = child.exitCode === null ? new Promise((resolve) => child.once('exit', resolve)) : undefined
  child.kill('SIGKILL')
  await exited
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
