import type { IncomingMessage, ServerResponse } from 'node:http'
import * as z from 'zod'
import { findOriginError } from '../emulators/same-site.ts'
import { loadPageFile } from './page-files.ts'
import { streamViews } from './stream-views.ts'
import type { FaultRequest } from './view.ts'
import type { Watch } from './watch.ts'

/** The path of the page on the line's port. */
export const inspectorPath = '/_inspector'

const headers = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}
const mostBytes = 1_024 // the size limit of an action request
const faultRequest = z.union([
  z.strictObject({ cut: z.literal(true) }),
  z.strictObject({ answerDelayMs: z.int().min(0).max(60_000) }),
])

/** Handles requests below `/_inspector` and returns whether it did. */
export function createInspectorHttp(watch: Watch) {
  return (incoming: IncomingMessage, response: ServerResponse): boolean => {
    const [path = ''] = (incoming.url ?? '/').split('?')
    if (path !== inspectorPath && !path.startsWith(`${inspectorPath}/`)) return false
    const originError = findOriginError(incoming)
    if (originError !== undefined) respond(response, 403, originError)
    else
      answer(watch, { incoming, name: path.slice(inspectorPath.length + 1) }, response).catch((error) =>
        respond(response, 500, `The inspector failed: ${error instanceof Error ? error.message : error}`),
      )
    return true
  }
}

/** `name` is the path below `inspectorPath`. */
async function answer(
  watch: Watch,
  { incoming, name }: { readonly incoming: IncomingMessage; readonly name: string },
  response: ServerResponse,
): Promise<void> {
  if (incoming.method === 'POST' && name === 'faults') return act(watch, incoming, response)
  if (incoming.method !== 'GET') return respond(response, 405, `Expected GET, got ${incoming.method}.`)
  if (name === 'events') return streamViews(watch, response, headers)
  const file = await loadPageFile(name)
  if (file === undefined) return respond(response, 404, `The inspector has no file ${JSON.stringify(name)}.`)
  response.writeHead(200, { ...headers, 'content-type': file.type }).end(file.body)
}

/** Requires JSON: another page's form cannot send this content type without a preflight. */
async function act(watch: Watch, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  if (incoming.headers['content-type'] !== 'application/json')
    return respond(response, 415, `Expected application/json, got ${incoming.headers['content-type']}.`)
  const request = parse(await readText(incoming))
  if (request === undefined)
    return respond(response, 400, 'Expected {"cut":true} or {"answerDelayMs":n}, n from 0 to 60000.')
  watch.act(request)
  response.writeHead(204, headers).end()
}

async function readText(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming) if (text.length <= mostBytes) text += String(chunk)
  return text
}

function parse(text: string): FaultRequest | undefined {
  try {
    return faultRequest.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

function respond(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify({ message }))
}
