import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApiGateway } from '@trunkline/server/apigateway'
import { compare, type Row } from './compare.ts'

const text = JSON.stringify({ id: 1, result: { type: 'data', data: 'x'.repeat(200) } })

/**
 * One post by the AWS client, signed, against a bare request on a kept-alive socket, both to a server of this process.
 */
export async function comparePosts(seconds: number): Promise<readonly Row[]> {
  const server = createServer((incoming, response) => incoming.resume().on('end', () => response.end()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
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
    server.closeAllConnections()
    server.close()
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
