// More than 200 lines: one server, whose writes are a few lines for each rule of the protocol.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { internalsOf } from '@trunkline/server/internal'
import { memoryBackend } from '@trunkline/server/memory'
import * as z from 'zod'
import { onHttpEvent } from '../../packages/server/src/lambda/http/on-http-event.ts'
import { writeResponse } from '../../packages/server/src/lambda/http/response-stream.ts'
import { consoleTelemetry, createServe } from '../../packages/server/src/lambda/serve.ts'
import { toServer } from '../../packages/server/src/lambda/served-application.ts'
import { systemClock } from '../../packages/server/src/ports/clock.ts'
import type { InvocationContext } from '../../packages/server/src/runtime/context/runtime-context.ts'
import { cursorOf } from '../../packages/server/src/runtime/log/retention.ts'
import { json, type ReadEncoder } from '../../packages/server/src/runtime/reads/encoder.ts'
import { formatOffset } from '../../packages/server/src/runtime/reads/offset.ts'
import type { StreamWrite } from '../../packages/server/src/runtime/streams/state.ts'
import {
  evidenceOf,
  putStreamSlot,
  readHead,
  type StreamHead,
} from '../../packages/server/src/runtime/streams/stream-log.ts'
import { bytesOf } from './bytes.ts'

/** The chunks of a slot have at most so many characters of JSON. */
const slotChars = 200_000
const mostBytes = 4 * 1024 * 1024
/** A long-poll of the suite waits for so long, so that the suite is quick. */
const waitMs = 1_000

const anyJson: z.ZodType<string> = z.any() // the suite writes any JSON

/** A path of the suite, and the stream that it is mapped to. */
interface Resource {
  readonly name: string
  readonly contentType: string
  /** Writes come one after the other. */
  last: Promise<unknown>
}

/** What the reads of a test went through. */
export type Used = 'json' | 'bytes'

/**
 * A Durable Streams server over a line's stream in memory. Reads go through the handler `http` as deployed. Writes are
 * this adapter's: `PUT` starts and claims a stream, `POST` puts its chunks as the claim's producer, `DELETE` forgets the
 * path.
 */
export async function startAdapter() {
  const line = createLine()
  const streams = line.stream('streams', {
    ...{ key: z.object({ name: z.string() }), input: z.object({}), chunk: anyJson, retention: '1h' },
    async *produce() {}, // the adapter produces
  })
  const t = initTRPC.create()
  const router = t.router({
    stream: t.procedure.input(z.object({ name: z.string() })).subscription(({ input }) => streams.subscribe(input)),
  })
  const internals = internalsOf(line)
  const serve = createServe(internals, toServer({ router, line }, internals), consoleTelemetry)
  const backend = memoryBackend({ clock: systemClock })
  const admission = { authorize: undefined, allowsOrigin: async () => true }
  const used = new Set<Used>()
  const resources = new Map<string, Resource>()
  let created = 0

  const run = <T>(fn: (context: InvocationContext) => Promise<T>): Promise<T> =>
    line.withBackend(backend, () =>
      serve({ name: 'http', lambdaContext: { getRemainingTimeInMillis: () => 60_000 } }, fn),
    )

  async function read(request: IncomingMessage, response: ServerResponse, resource: Resource | undefined) {
    const encoder = encoderOf(resource)
    if (request.method !== 'OPTIONS')
      used.add(encoder === json || isJson(resource?.contentType ?? '') ? 'json' : 'bytes')
    const url = new URL(request.url ?? '/', 'http://adapter')
    url.searchParams.set('input', JSON.stringify({ name: resource?.name ?? 'none' }))
    const event = {
      ...{ version: '2.0' as const, rawPath: '/read/stream', rawQueryString: url.search.slice(1) },
      headers: request.headers as Record<string, string>,
      requestContext: { requestId: 'r=', http: { method: request.method ?? 'GET', sourceIp: '127.0.0.1' } },
    }
    const left = new AbortController()
    response.once('close', () => left.abort())
    await run(async (context) => {
      const options = { encoder, waitMs, streams: true, left: left.signal }
      const answer = await onHttpEvent(context, admission, event, options)
      await writeResponse(toStream(response), answer)
    })
  }

  async function write(context: InvocationContext, resource: Resource, { chunks, closes }: Body): Promise<string> {
    const topic = `streams?name=s:${resource.name}`
    const rules = internals.channels().find(({ name }) => name === 'streams')?.stream
    if (rules === undefined) throw new Error('The adapter has no stream.')
    const ref = { topic, retentionMs: 3_600_000, rules }
    let head = await readHead(context, topic)
    const put = async (made: StreamWrite, data?: string) => {
      const slot = { write: made, publishId: `p${++created}`, ...(data !== undefined && { data }) }
      head = (await putStreamSlot(context, ref, { head, evidence: await evidenceOf(context, topic, head), slot })).head
    }
    if (head.state === undefined) {
      await put({ kind: 'start', input: 'adapter' })
      await put({ kind: 'claim', by: 'adapter' })
    }
    for (const some of inSlots(chunks))
      await put({ kind: 'chunks', by: 'adapter', count: some.length }, JSON.stringify(some))
    if (closes && head.state?.at !== 'closed') await put({ kind: 'close', by: 'adapter', outcome: { type: 'done' } })
    return offsetOf(context, head)
  }

  async function change(request: IncomingMessage, response: ServerResponse, path: string) {
    const body = await bodyOf(request)
    if (body.length > mostBytes) return end(response, 413)
    const type = request.headers['content-type']
    const closes = request.headers['stream-closed'] === 'true'
    const existing = resources.get(path)
    const isPut = request.method === 'PUT'
    if (isPut && existing !== undefined) return put(response, { existing, type, closes })
    if (!isPut && existing === undefined) return end(response, 404)
    const contentType = existing?.contentType ?? type ?? 'application/octet-stream'
    const resource = existing ?? { name: `n${++created}`, contentType, last: Promise.resolve() }
    const isCloseOnly = closes && body.length === 0
    if (!isPut && !isCloseOnly && type === undefined) return end(response, 400)
    const chunks = chunksOf(body, contentType, isPut)
    if (chunks === undefined || (!isPut && chunks.length === 0 && !isCloseOnly)) return end(response, 400)
    if (!isPut && !isCloseOnly && !isSame(type, contentType)) return end(response, 409)
    resources.set(path, resource)
    const written = resource.last.then(() =>
      run(async (context) => {
        const head = await readHead(context, `streams?name=s:${resource.name}`)
        const isClosed = head.state?.at === 'closed'
        if (isClosed && !isCloseOnly) return { status: 409, isClosed, offset: offsetOf(context, head) }
        const offset = await write(context, resource, { chunks, closes })
        return { status: isPut ? 201 : 204, isClosed: closes, offset }
      }),
    )
    resource.last = written.catch(() => {})
    const { status, isClosed, offset } = await written
    const location = isPut ? { location: `http://${request.headers.host}${path}` } : {}
    const closed = isClosed ? { 'stream-closed': 'true' } : {}
    end(response, status, { 'content-type': contentType, 'stream-next-offset': offset, ...location, ...closed })
  }

  async function put(response: ServerResponse, { existing, type, closes }: Existing) {
    const { isClosed, offset } = await run(async (context) => {
      const head = await readHead(context, `streams?name=s:${existing.name}`)
      return { isClosed: head.state?.at === 'closed', offset: offsetOf(context, head) }
    })
    const isEqual = isSame(type ?? 'application/octet-stream', existing.contentType) && isClosed === closes
    const headers = { 'content-type': existing.contentType, 'stream-next-offset': offset }
    end(response, isEqual ? 200 : 409, { ...headers, ...(isClosed && { 'stream-closed': 'true' }) })
  }

  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    const { method = 'GET' } = request
    const work = async () => {
      if (method === 'PUT' || method === 'POST') return change(request, response, path)
      if (method === 'DELETE') return end(response, resources.delete(path) ? 204 : 404)
      return read(request, response, resources.get(path))
    }
    void work().catch((thrown: unknown) => {
      console.error(thrown)
      response.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    /** The encoders of the reads since the last call. */
    takeUsed(): ReadonlySet<Used> {
      const taken = new Set(used)
      used.clear()
      return taken
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Existing {
  readonly existing: Resource
  readonly type: string | undefined
  readonly closes: boolean
}

interface Body {
  readonly chunks: readonly unknown[]
  readonly closes: boolean
}

const mediaOf = (type: string | undefined) => (type ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
const isJson = (type: string) => mediaOf(type) === 'application/json'
const isSame = (one: string | undefined, other: string) => mediaOf(one) === mediaOf(other)

/** JSON goes through the encoder that is shipped, under the content type that the suite gave. */
function encoderOf(resource: Resource | undefined): ReadEncoder {
  if (resource === undefined) return json
  const { contentType } = resource
  return isJson(contentType) ? { ...json, contentType } : bytesOf(contentType)
}

/** The chunks of a body: the elements of a JSON array, or bytes. Undefined for a body that is not of its type. */
function chunksOf(body: Buffer, contentType: string, isPut: boolean): readonly unknown[] | undefined {
  if (body.length === 0) return []
  if (!isJson(contentType)) return inPieces(body)
  try {
    const value = JSON.parse(body.toString()) as unknown
    if (!Array.isArray(value)) return [value]
    return value.length === 0 && !isPut ? undefined : (value as unknown[])
  } catch {
    return undefined
  }
}

const pieceBytes = 100_000

function inPieces(body: Buffer): readonly unknown[] {
  const count = Math.ceil(body.length / pieceBytes)
  return Array.from({ length: count }, (_, n) => body.subarray(n * pieceBytes, (n + 1) * pieceBytes).toString('base64'))
}

function inSlots(chunks: readonly unknown[]): readonly (readonly unknown[])[] {
  const slots: unknown[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const chunk of chunks) {
    const chars = JSON.stringify(chunk).length
    if (size + chars > slotChars) {
      slots.push([])
      size = 0
    }
    slots.at(-1)?.push(chunk)
    size += chars
  }
  return slots
}

function offsetOf(context: InvocationContext, { newest }: Pick<StreamHead, 'newest'>): string {
  if (newest === undefined) throw new Error('The adapter lost a stream.')
  return formatOffset(cursorOf(context, newest))
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'x-content-type-options': 'nosniff', ...headers }).end()
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

const preludeEnd = '\0'.repeat(8)

/** A response as the stream that Lambda gives to a function: its status and headers come first. */
function toStream(response: ServerResponse) {
  let head = ''
  return {
    get destroyed() {
      return response.destroyed
    },
    write(chunk: string | Uint8Array) {
      if (response.headersSent) return response.write(chunk)
      head += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      if (!head.endsWith(preludeEnd)) return true
      const { statusCode, headers } = JSON.parse(head.slice(0, -preludeEnd.length)) as {
        statusCode: number
        headers: Record<string, string>
      }
      response.writeHead(statusCode, headers)
      response.flushHeaders()
      return true
    },
    end: () => response.end(),
    once: (event: 'drain' | 'close' | 'error', listener: () => void) => response.once(event, listener),
  }
}
