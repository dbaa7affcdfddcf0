import { accessSync, constants, existsSync, realpathSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, resolve, sep } from 'node:path'
import sirv from 'sirv'
import { findOriginError } from '../emulators/same-site.ts'

/** Handles a request and returns true if it did. */
export type PageHandler = (request: IncomingMessage, response: ServerResponse) => boolean

/**
 * Serves `/line.json`, which contains the line's URLs for a page, and the files of the folder `web`, if given. The
 * folder may be built later. Dot files (except those in `/.well-known`) and links that lead out of the folder are not
 * served. A page of another origin cannot read the files.
 */
export function createPages(web: string | undefined): PageHandler {
  const serve = web === undefined ? undefined : serveFolder(resolve(web))
  return (request, response) => {
    const isLine = pathOf(request) === '/line.json'
    if (!isLine && serve === undefined) return false
    const originError = findOriginError(request, { navigation: !isLine })
    if (originError !== undefined) respond(response, 403, originError)
    else if (isLine) respondLine(request, response)
    else serve?.(request, response)
    return true
  }
}

function respondLine({ headers }: IncomingMessage, response: ServerResponse): void {
  const host = headers.host ?? 'localhost'
  const body = JSON.stringify({ url: `ws://${host}/dev`, httpUrl: `http://${host}/dev` })
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(body)
}

function serveFolder(folder: string): (request: IncomingMessage, response: ServerResponse) => void {
  const send = sirv(folder, { dev: true, single: true })
  return (request, response) => {
    if (!existsSync(folder))
      return respond(response, 503, `The folder ${folder} does not exist. Build the page and reload.`)
    if (request.method !== 'GET' && request.method !== 'HEAD') return respond(response, 405, 'Expected GET or HEAD.')
    if (!isPublic(folder, pathOf(request))) return respond(response, 404, 'Not found.')
    // sirv cannot send some ranges; the whole file is sent instead
    if (!isRange(request.headers.range)) delete request.headers.range
    send(request, response, () => respond(response, 404, 'Not found.'))
  }
}

// the suffixes with which sirv looks for a file
const endings = ['', '.html', '.htm', '/index', '/index.html', '/index.htm']
const fallbacks = ['/index', '/index.html', '/index.htm'] // the fallbacks for a single-page application

/** Whether a path has no hidden segment and leads to a readable file inside the folder, or to no file. */
function isPublic(folder: string, target: string): boolean {
  const path = decodePath(target)
  if (path === undefined) return false
  const parts = path.split('/')
  if (parts.some((part, at) => part.startsWith('.') && !(at === 1 && part === '.well-known'))) return false
  const root = `${realpathSync(folder)}${sep}`
  const found = [...endings.map((ending) => `${path.replace(/\/$/, '')}${ending}`), ...fallbacks]
  return found.every((name) => isWithin(root, join(folder, name)))
}

/** Decodes a path once, as sirv does. Undefined for an invalid path. */
function decodePath(target: string): string | undefined {
  try {
    const path = decodeURI(target)
    return path.startsWith('/') && !/[\\\0]/.test(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** A missing file leads nowhere. */
function isWithin(root: string, file: string): boolean {
  if (!existsSync(file)) return true
  try {
    accessSync(file, constants.R_OK) // sirv's stream of an unreadable file would end the process
    return `${realpathSync(file)}${sep}`.startsWith(root)
  } catch {
    return false
  }
}

/** Whether this is one range of bytes whose end is not before its start, which sirv can send. */
function isRange(range: string | undefined): boolean {
  const [, start, end] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range ?? '') ?? []
  return start !== undefined && (end === '' || Number(end) >= Number(start))
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split(/[?#]/)[0] ?? '/'
}

function respond(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ message }))
}
