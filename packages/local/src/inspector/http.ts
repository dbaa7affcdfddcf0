import type { IncomingMessage, ServerResponse } from 'node:http'
import { findOriginError } from '../emulators/same-site.ts'
import { InspectorError, type InspectorSource, routes } from './data-source.ts'
import { loadPageFile } from './page-files.ts'
import { parseAction, parseListName, parseListQuery, parseOpenQuery } from './requests.ts'
import { streamUpdates } from './updates.ts'

/** The path of the page on its port. */
export const inspectorPath = '/_inspector'

const headers = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}
const mostBytes = 1_048_576 // of an action: an event or an input has at most 1 MB

/**
 * Serves the page of a source, and the source to the page. Handles requests below `/_inspector` and returns whether it
 * did. The port must listen on the loopback interface only: requests of other hosts and of other origins' pages are
 * refused, and every other program of this machine is trusted.
 */
export function createInspectorHttp(source: InspectorSource) {
  return (incoming: IncomingMessage, response: ServerResponse): boolean => {
    const { url = '/' } = incoming
    const [pathname = ''] = url.split('?', 1)
    if (pathname !== inspectorPath && !pathname.startsWith(`${inspectorPath}/`)) return false
    const searchParams = new URLSearchParams(url.slice(pathname.length + 1))
    const originError = findOriginError(incoming)
    const name = pathname.slice(inspectorPath.length + 1)
    if (originError !== undefined) answer(response, 403, { message: originError })
    else
      serve(source, { incoming, name, searchParams }, response).catch((error) => {
        if (error instanceof InspectorError) return answer(response, error.status, { message: error.message })
        const message = `The inspector failed: ${error instanceof Error ? error.message : error}`
        return answer(response, 500, { message })
      })
    return true
  }
}

/** A request; `name` is the path below `inspectorPath`. */
interface Asked {
  readonly incoming: IncomingMessage
  readonly name: string
  readonly searchParams: URLSearchParams
}

async function serve(source: InspectorSource, asked: Asked, response: ServerResponse): Promise<void> {
  const { incoming, name, searchParams } = asked
  const isAction = name === routes.act
  if (incoming.method !== (isAction ? 'POST' : 'GET'))
    return answer(response, 405, { message: `Expected ${isAction ? 'POST' : 'GET'}, got ${incoming.method}.` })
  if (isAction) return answer(response, 200, await act(source, incoming, closedSignal(response)))
  const [route, list = ''] = name.split('/')
  if (name === routes.updates) return streamUpdates(source, response, headers)
  if (name === routes.capabilities) return answer(response, 200, await source.capabilities())
  if (route === routes.list)
    return answer(response, 200, await source.list(parseListName(list), parseListQuery(searchParams)))
  if (route === routes.open) return open(source, { list, searchParams }, response)
  const file = await loadPageFile(name)
  if (file === undefined)
    return answer(response, 404, { message: `The inspector has no file ${JSON.stringify(name)}.` })
  response.writeHead(200, { ...headers, 'content-type': file.type }).end(file.body)
}

async function open(
  source: InspectorSource,
  { list, searchParams }: { readonly list: string; readonly searchParams: URLSearchParams },
  response: ServerResponse,
): Promise<void> {
  const { id, ...query } = parseOpenQuery(searchParams)
  const item = await source.open(parseListName(list), id, query)
  if (item === undefined) throw new InspectorError(404, `There is no ${JSON.stringify(id)} in ${list} any more.`)
  answer(response, 200, item)
}

/** Aborts when the page closes the request before it is answered. */
function closedSignal(response: ServerResponse): AbortSignal {
  const closed = new AbortController()
  response.once('close', () => closed.abort())
  return closed.signal
}

/**
 * Requires JSON: another page's form cannot send this content type without a preflight. The source's capabilities are
 * not read: of a local line they wait for the entry, and an action such as a cut does not need it.
 */
async function act(source: InspectorSource, incoming: IncomingMessage, signal: AbortSignal): Promise<unknown> {
  if (incoming.headers['content-type'] !== 'application/json')
    throw new InspectorError(415, `Expected application/json, got ${incoming.headers['content-type']}.`)
  const action = parseAction(await readText(incoming))
  if (source.act === undefined) throw new InspectorError(404, `This source has no action ${action.action}.`)
  return source.act(action, signal)
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new InspectorError(413, `Expected at most ${mostBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(value))
}
