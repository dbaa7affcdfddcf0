import type { IncomingMessage } from 'node:http'

/** What an event says about the API that it comes through. */
export interface HttpApiInfo {
  readonly apiId: string
  readonly stage: string
  readonly requestId: string
  /** Epoch milliseconds. */
  readonly time: number
}

/** The media types whose bodies HTTP APIs pass on as text. All others come in base64. */
const textTypes = /^(text\/|application\/(json|xml|javascript)\b)/i

/**
 * The event of an HTTP API with a Lambda proxy integration, in payload format 2.0: names of headers in lower case, equal
 * ones joined by commas, cookies apart from them, and the stage at the start of the path.
 */
export function toHttpEvent(request: IncomingMessage, body: Buffer, { apiId, stage, requestId, time }: HttpApiInfo) {
  const target = new URL(`http://gateway${request.url ?? '/'}`)
  const { cookie, ...headers } = joinedHeaders(request.rawHeaders)
  const host = headers['host'] ?? ''
  const method = request.method ?? 'GET'
  const route = `ANY ${target.pathname.slice(stage.length + 1)}`
  const isText = textTypes.test(headers['content-type'] ?? 'text/')
  const query = [...new Set(target.searchParams.keys())].map((name) => [
    name,
    target.searchParams.getAll(name).join(','),
  ])
  return {
    version: '2.0',
    routeKey: route,
    rawPath: target.pathname,
    rawQueryString: target.search.slice(1),
    ...(cookie !== undefined && { cookies: cookie.split(';').map((pair) => pair.trim()) }),
    headers: { ...headers, 'x-forwarded-for': request.socket.remoteAddress ?? '', 'x-forwarded-proto': 'http' },
    ...(query.length > 0 && { queryStringParameters: Object.fromEntries(query) as Record<string, string> }),
    requestContext: {
      ...{ accountId: 'anonymous', apiId, domainName: host, domainPrefix: host.split('.')[0] ?? '' },
      http: {
        ...{ method, path: target.pathname, protocol: 'HTTP/1.1' },
        ...{ sourceIp: request.socket.remoteAddress ?? '', userAgent: headers['user-agent'] ?? '' },
      },
      ...{ requestId, routeKey: route, stage, time: new Date(time).toUTCString(), timeEpoch: time },
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  }
}

function joinedHeaders(raw: readonly string[]): Record<string, string> {
  const joined: Record<string, string> = {}
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase()
    const separator = name === 'cookie' ? '; ' : ','
    const value = raw[at + 1] ?? ''
    joined[name] = joined[name] === undefined ? value : `${joined[name]}${separator}${value}`
  }
  return joined
}
