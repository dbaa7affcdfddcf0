import { createServer } from 'node:http'
import { initTRPC } from '@trpc/server'
import { anonymous, createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import * as z from 'zod'
import { startLocalLine } from '../../packages/local/src/line/start-local-line.ts'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A local line with a channel and a stream that both say 0, 1, 2, … */
export async function startWorld() {
  const line = createLine()
  const key = z.object({ name: z.string() })
  const numbers = line.channel('numbers', { key, event: z.object({ n: z.number() }) })
  const counts = line.stream('counts', {
    ...{ key, input: z.object({ to: z.number(), ms: z.number() }), chunk: z.object({ n: z.number() }) },
    batch: { ms: 20 },
    async *produce({ input: { to, ms } }) {
      for (let n = 0; n < to; n++) {
        await pause(ms)
        yield { n }
      }
    },
  })
  const t = initTRPC.create()
  const router = t.router({
    numbers: t.procedure.input(key).subscription(({ input }) => numbers.subscribe(input)),
    counts: t.procedure.input(key).subscription(({ input }) => counts.subscribe(input)),
  })
  const served = { router, line, authorize: (): typeof anonymous => anonymous, anonymousMay: 'everything' } as const
  const local = await startLocalLine(served)
  const buffered = await startBuffered(createLambdaHandlers(served).http, (fn) => local.run(fn))
  return {
    url: new URL(local.httpUrl).origin,
    /** The same line behind a platform that does not stream. */
    bufferedUrl: buffered.url,
    /** Publishes 0 … `to` − 1, with a pause between two. */
    async publish(name: string, to: number, ms: number) {
      for (let n = 0; n < to; n++) {
        await local.run(() => numbers.publish({ name }, { n }))
        await pause(ms)
      }
    },
    start: (name: string, to: number, ms: number) => local.run(() => counts.start({ name }, { to, ms })),
    async close() {
      await buffered.close()
      await local.close()
    },
  }
}

/** A platform that hands requests to the handler `http`, and its response to the client as a whole. */
async function startBuffered(http: (event: unknown, context: unknown) => Promise<unknown>, run: <T>(fn: () => T) => T) {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://platform')
    const event = {
      ...{ version: '2.0', rawPath: url.pathname, rawQueryString: url.search.slice(1), headers: request.headers },
      requestContext: { requestId: 'r=', http: { method: request.method, sourceIp: '127.0.0.1' } },
    }
    const context = { getRemainingTimeInMillis: () => 29_000 }
    void run(() => http(event, context)).then((result) => {
      const { statusCode, headers, body } = result as {
        statusCode: number
        headers: Record<string, string>
        body: string
      }
      response.writeHead(statusCode, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The numbers 0 … `to` − 1. */
export const upTo = (to: number) => Array.from({ length: to }, (_, n) => n)
