import { accessSync, constants, existsSync, realpathSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join, resolve, sep } from 'node:path'
import sirv from 'sirv'
import { findOriginError } from '../emulators/same-site.ts'

/** Answers a request; `true` says that it does. */
export type PageHandler = (request: IncomingMessage, response: ServerResponse) => boolean

/**
 * Serves `/line.json`, which says where a page's line is, and the files of the folder `web`, if given. The folder may
 * be built later. Dot files (but those in `/.well-known`) and links that lead out of the folder are not served. A page
 * of another origin reads nothing.
 */
export function createPages(web: string | undefined): PageHandler {
  const serve = web === undefined ? undefined : serveFolder(resolve(web))
  return (request, response) => {
    const isLine = pathOf(request) === '/line.json'
    if (!isLine && serve === undefined) return false
    const originError = findOriginError(request, { navigation: !isLine })
    if (originError !== undefined) say(response, 403, originError)
    else if (isLine) sayLine(request, response)
    else serve?.(request, response)
    return true
  }
}

function sayLine({ headers }: IncomingMessage, response: ServerResponse): void {
  const body = JSON.stringify({ url: `ws://${headers.host ?? 'localhost'}/dev` })
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(body)
}

function serveFolder(folder: string): (request: IncomingMessage, response: ServerResponse) => void {
  const send = sirv(folder, { dev: true, single: true })
  return (request, response) => {
    if (!existsSync(folder)) return say(response, 503, `There is no ${folder} yet, which is the page: build it.`)
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(response, 405, 'Expected GET or HEAD.')
    if (!isPublic(folder, pathOf(request))) return say(response, 404, 'Not found.')
    // the whole file answers a range that sirv cannot send
    if (!isRange(request.headers.range)) delete request.headers.range
    send(request, response, () => say(response, 404, 'Not found.'))
  }
}

const endings = ['', '.html', '.htm', '/index', '/index.html', '/index.htm'] // as sirv looks for a file
const fallbacks = ['/index', '/index.html', '/index.htm'] // and for the page of an application that routes by itself

/** Whether a path has no hidden part, and leads to no file that is outside of the folder or cannot be read. */
function isPublic(folder: string, target: string): boolean {
  const path = decodePath(target)
  if (path === undefined) return false
  const parts = path.split('/')
  if (parts.some((part, at) => part.startsWith('.') && !(at === 1 && part === '.well-known'))) return false
  const root = `${realpathSync(folder)}${sep}`
  const found = [...endings.map((ending) => `${path.replace(/\/$/, '')}${ending}`), ...fallbacks]
  return found.every((name) => isWithin(root, join(folder, name)))
}

/** As sirv decodes it, once. Undefined for a path that is no path of a file. */
function decodePath(target: string): string | undefined {
  try {
    const path = decodeURI(target)
    return path.startsWith('/') && !/[\\\0]/.test(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** A file that is not there leads nowhere. */
function isWithin(root: string, file: string): boolean {
  if (!existsSync(file)) return true
  try {
    accessSync(file, constants.R_OK) // sirv's stream of it would end the process
    return `${realpathSync(file)}${sep}`.startsWith(root)
  } catch {
    return false
  }
}

/** One range of bytes whose end is not before its start: what sirv can send. */
function isRange(range: string | undefined): boolean {
  const [, start, end] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range ?? '') ?? []
  return start !== undefined && (end === '' || Number(end) >= Number(start))
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split(/[?#]/)[0] ?? '/'
}

function say(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ message }))
}
