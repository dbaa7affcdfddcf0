import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createApiGateway } from '@trunkline/server/apigateway'
import { compare, type Row } from './compare.ts'

const text = JSON.stringify({ id: 1, result: { type: 'data', data: 'x'.repeat(200) } })

/** Answers each request and prints its port. It is a process of its own, so that its CPU time does not count. */
const serverSource = `
  const server = require('node:http').createServer((request, response) => request.resume().on('end', () => response.end()))
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

/** One signed post against a bare request on a kept-alive socket, both to a server of another process. */
export async function comparePosts(seconds: number): Promise<readonly Row[]> {
  const server = spawn(process.execPath, ['--eval', serverSource])
  const [printed] = await once(server.stdout, 'data')
  const port = Number(printed)
  const gateway = createApiGateway({
    callbackUrl: `http://127.0.0.1:${port}/dev`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  const agent = new Agent({ keepAlive: true })
  try {
    return await compare(
      { name: 'a bare keep-alive request', run: () => postBarely(port, agent) },
      [{ name: 'one post', run: () => gateway.post('c1=', text) }],
      seconds,
    )
  } finally {
    agent.destroy()
    server.kill()
  }
}

function postBarely(port: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const posting = request({ port, host: '127.0.0.1', method: 'POST', path: '/dev/@connections/c1=', agent })
    posting.once('error', reject)
    posting.once('response', (response) => response.resume().once('end', resolve))
    posting.end(text)
  })
}
