import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { initTRPC } from '@trpc/server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DevLine, dev } from '../dev/dev.ts'
import type { LocalLine } from './local-line.ts'
import { startLocalLine } from './start-local-line.ts'

const t = initTRPC.create()
const router = t.router({ hello: t.procedure.query(() => 'hello') })
const entry = fileURLToPath(new URL('../testing/entry.suite.ts', import.meta.url))
const signature = 'AWS4-HMAC-SHA256 Credential=local/20260101/local-1/x/aws4_request, SignedHeaders=host, Signature=0'
const json = 'application/x-amz-json-1.0'

interface Sent {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** A request with headers that `fetch` would not send. */
function send(endpoint: string, { method = 'POST', path, headers = {}, body = '' }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = request(`${endpoint}${path}`, { method, headers }, async (response) => {
      let text = ''
      for await (const chunk of response) text += String(chunk)
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
    })
    sent.once('error', reject).end(body)
  })
}

let local: LocalLine<typeof router>
let page: DevLine
let ports: Readonly<Record<string, { readonly endpoint: string; readonly sent: Sent; readonly status: number }>>

beforeAll(async () => {
  local = await startLocalLine({ router })
  page = await dev('.', { entry, port: 0, log: () => {} })
  const { AWS_ENDPOINT_URL_LAMBDA = '', AWS_ENDPOINT_URL_DYNAMODB = '', AWS_ENDPOINT_URL_SQS = '' } = local.environment
  const gateway = local.url.replace(/^ws/, 'http').replace('/dev', '')
  const web = new URL(page.inspector).origin
  const aws = (target: string) => ({ 'x-amz-target': target, 'content-type': json, authorization: signature })
  ports = {
    'the Invoke API': {
      endpoint: AWS_ENDPOINT_URL_LAMBDA,
      sent: { path: '/2015-03-31/functions/websocket/invocations', body: 'no json' },
      status: 400,
    },
    'the DynamoDB port': {
      endpoint: AWS_ENDPOINT_URL_DYNAMODB,
      sent: {
        path: '/',
        headers: { ...aws('DynamoDB_20120810.ListTables'), 'x-amz-date': '20260101T000000Z' },
        body: '{}',
      },
      status: 200,
    },
    'the streams of the DynamoDB port': {
      endpoint: AWS_ENDPOINT_URL_DYNAMODB,
      sent: { path: '/', headers: aws('DynamoDBStreams_20120810.ListStreams'), body: '{}' },
      status: 200,
    },
    'the SQS port': {
      endpoint: AWS_ENDPOINT_URL_SQS,
      sent: {
        path: '/',
        headers: aws('AmazonSQS.ReceiveMessage'),
        body: JSON.stringify({ QueueUrl: local.environment['TRUNKLINE_FAILURES'] }),
      },
      status: 200,
    },
    '@connections': {
      endpoint: gateway,
      sent: { path: '/dev/@connections/AAAAAAAAAAAAAAA%3D', headers: { authorization: signature }, body: 'hello' },
      status: 410,
    },
    '/line.json': { endpoint: web, sent: { method: 'GET', path: '/line.json' }, status: 200 },
    '/line.json with a query': { endpoint: web, sent: { method: 'GET', path: '/line.json?x=1' }, status: 200 },
    'the inspector': { endpoint: web, sent: { method: 'GET', path: '/_inspector' }, status: 200 },
  }
})
afterAll(async () => {
  await local.close()
  await page.close()
})

const names = [
  'the Invoke API',
  'the DynamoDB port',
  'the streams of the DynamoDB port',
  'the SQS port',
  '@connections',
  '/line.json',
  '/line.json with a query',
  'the inspector',
]

function at(name: string) {
  const port = ports[name]
  if (port === undefined) throw new Error(`There is no port ${name}.`)
  const ask = (headers: Readonly<Record<string, string>>, more: Partial<Sent> = {}) =>
    send(port.endpoint, { ...port.sent, ...more, headers: { ...port.sent.headers, ...headers } })
  return { ...port, ask, number: new URL(port.endpoint).port }
}

describe.each(names)('%s', (name) => {
  test('answers this machine by each of its names, and sends no CORS header', async () => {
    const { ask, number, status } = at(name)
    for (const host of ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST']) {
      const answer = await ask({ host: `${host}:${number}` })
      expect([host, answer.status]).toEqual([host, status])
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  test('answers its own origin, and sends no CORS header', async () => {
    const { ask, endpoint, status } = at(name)
    const answer = await ask({ origin: endpoint.replace('localhost', '127.0.0.1'), host: new URL(endpoint).host })
    const own = await ask({ origin: endpoint, host: new URL(endpoint).host })
    expect(own.status).toBe(status)
    for (const { headers } of [answer, own]) expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  test.each([
    ['a foreign name that leads here (DNS rebinding)', { host: 'evil.example' }],
    ['a foreign name with the right port', { host: 'evil.example:PORT' }],
    ['a name that begins like ours', { host: 'localhost.evil.example:PORT' }],
    ['a name with our address inside', { host: '127.0.0.1.evil.example:PORT' }],
    ['credentials before a foreign name', { host: 'localhost:PORT@evil.example' }],
    ['this address at another port', { host: '127.0.0.1:1' }],
    ['a page of another origin', { origin: 'https://evil.example' }],
    ['a page of another port of this machine', { origin: 'http://localhost:1' }],
    ['a sandboxed page', { origin: 'null' }],
    [
      'a page of another origin that posts text/plain',
      { origin: 'https://evil.example', 'content-type': 'text/plain' },
    ],
    ['a script of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ])('rejects %s', async (_, headers) => {
    const { ask, number } = at(name)
    const named = Object.entries(headers).map(([key, value]) => [key, value.replace('PORT', number)])
    const answer = await ask(Object.fromEntries(named))
    expect(answer.status).toBe(403)
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('rejects the preflight of a page of another origin', async () => {
    const { ask } = at(name)
    const preflight = { origin: 'https://evil.example', 'access-control-request-method': 'POST' }
    const answer = await ask(preflight, { method: 'OPTIONS', body: '' })
    expect(answer.status).toBe(403)
    expect(Object.keys(answer.headers).filter((key) => key.startsWith('access-control'))).toEqual([])
  })
})

test('a rejected invocation is an AccessDeniedException for an SDK client', async () => {
  const { endpoint } = at('the Invoke API')
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const client = new LambdaClient({ endpoint, region: 'local-1', credentials, maxAttempts: 1 })
  client.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: Record<string, string> }).headers, { origin: 'https://evil.example' })
      return next(args)
    },
    { step: 'build' },
  )
  await expect(client.send(new ListFunctionsCommand({}))).rejects.toMatchObject({ name: 'AccessDeniedException' })
  client.destroy()
})
