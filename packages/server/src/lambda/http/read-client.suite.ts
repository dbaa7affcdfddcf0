import { defined } from '@trunkline/protocol'
import type { TestLine } from '../test-line.suite.ts'
import { request } from './http-client.suite.ts'
import type { HttpResponse } from './http-response.ts'

export interface ReadOptions {
  readonly input?: unknown
  readonly offset?: string
  readonly live?: string
  readonly cursor?: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
}

/** Reads a procedure's log as an HTTP API or a function URL would pass it on. */
export function read(made: TestLine, path: string, options: ReadOptions = {}): Promise<HttpResponse> {
  const { input = { room: 'x' }, method = 'GET', headers = {}, cookies, ...params } = options
  const text = input === null ? undefined : JSON.stringify(input)
  const query = new URLSearchParams(defined({ input: text, ...params }) as Record<string, string>)
  const asked = { method, path: `/read/${path}`, query: String(query), body: '' }
  return request(made, { ...asked, headers: { 'content-type': undefined, ...headers }, ...defined({ cookies }) })
}

/** The messages of a page. Throws for a response that has none. */
export function messagesOf({ statusCode, body }: HttpResponse): readonly unknown[] {
  if (statusCode !== 200) throw new Error(`Expected 200, got ${statusCode}: ${body}`)
  return JSON.parse(body) as unknown[]
}

/** The headers of a response that say where reading goes on, and the state of the log. */
export function positionOf({ headers }: HttpResponse) {
  const { 'stream-next-offset': next, 'stream-up-to-date': isUpToDate } = headers
  const { 'stream-closed': isClosed, 'stream-outcome': outcome, 'stream-gap': gap } = headers
  return defined({ next, isUpToDate, isClosed, outcome, gap })
}

/** Reads on until the log is up to date, from an offset. At most 100 pages. */
export async function readAll(made: TestLine, path: string, options: ReadOptions = {}) {
  const messages: unknown[] = []
  let { offset } = options
  for (let pages = 1; pages <= 100; pages++) {
    const response = await read(made, path, { ...options, ...defined({ offset }) })
    messages.push(...messagesOf(response))
    offset = response.headers['stream-next-offset']
    if (response.headers['stream-up-to-date'] === 'true') return { messages, offset, pages }
  }
  throw new Error('The log was not read to its end in 100 pages.')
}
