import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { awsBackend } from '@trunkline/server/aws'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { line, router } from './application.js'

/** The handler file of an application, as a user bundles it. */
export const handlers = createLambdaHandlers({ router, line })

/**
 * Sends one request by each AWS client of the bundle to a server on this machine. Returns the requests that it
 * received.
 */
export async function askEachService(): Promise<readonly string[]> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    asked.push(headers['x-amz-target']?.toString() ?? `${method} ${decodeURIComponent(url)}`)
    request.resume()
    response.setHeader('content-type', 'application/x-amz-json-1.0')
    response.writeHead(url.includes('/functions/') ? 202 : 200).end(url === '/' ? '{}' : '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { store, gateway, invoker } = awsBackend({
    table: 'table',
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    callbackUrl: endpoint,
    endpoint,
    lambdaEndpoint: endpoint,
    sqsEndpoint: endpoint,
    deliverFunction: 'deliver',
    delayQueueUrl: `${endpoint}/queue`,
  })
  await store.readConnection('a')
  await gateway?.post('a', 'text')
  await invoker?.invoke('deliver', {})
  await invoker?.invokeDelayed?.({}, { delayMs: 0 }).catch(() => {}) // the client misses a checksum in the answer
  server.closeAllConnections()
  server.close()
  return asked
}
