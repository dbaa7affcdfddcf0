import { findFunction, type GatewayContext } from '../connection/gateway-context.ts'
import { type ConnectionInfo, toConnectEvent } from '../integration/events.ts'
import { type EventFields, toEventHeaders, toEventQuery } from '../integration/headers.ts'
import type { IntegrationResult } from '../integration/invoke.ts'
import { parseProxyResponse } from '../integration/proxy-response.ts'
import { hasIdentity, readAuthorizerResult, toAuthorizerEvent } from './authorizer.ts'

/** A client's upgrade request. */
export interface HandshakeRequest {
  readonly rawHeaders: readonly string[]
  /** Path and query. */
  readonly target: string
}

/** The outcome of a handshake: open, with the subprotocol that `$connect` chose, or rejected with an HTTP status. */
export type HandshakeOutcome =
  | { readonly status: 'open'; readonly info: ConnectionInfo; readonly subprotocol: string | undefined }
  | { readonly status: 'rejected'; readonly code: number }

const rejected = (code: number): HandshakeOutcome => ({ status: 'rejected', code })
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Invokes the authorizer, then `$connect`. Never rejects. */
export async function runHandshake(
  gateway: GatewayContext,
  info: ConnectionInfo,
  request: HandshakeRequest,
): Promise<HandshakeOutcome> {
  const query = toEventQuery(request.target)
  const forwarded = toForwardedHeaders(gateway, info)
  const startedAt = gateway.clock.now()
  const authorization = await authorize(gateway, info, { ...request, query, forwarded })
  if (authorization?.status === 'rejected') return rejected(authorization.code)
  const known = authorization ? { ...info, authorizer: authorization.context } : info
  const integrationLatency = gateway.clock.now() - startedAt
  const headers = toEventHeaders(request.rawHeaders, { omit: upgradeHeaders, add: forwarded })
  return connect(gateway, known, { headers, query, integrationLatency })
}

const upgradeHeaders = ['connection', 'upgrade', 'content-length']

async function authorize(
  gateway: GatewayContext,
  info: ConnectionInfo,
  request: HandshakeRequest & { readonly query: EventFields | undefined; readonly forwarded: Record<string, string> },
) {
  if (gateway.authorizer === undefined) return undefined
  const { functionName, identitySource } = gateway.authorizer
  const headers = toEventHeaders(request.rawHeaders, { add: { 'content-length': '0', ...request.forwarded } })
  if (!hasIdentity(identitySource, { headers, query: request.query })) return { status: 'rejected', code: 401 } as const
  const methodArn = `arn:aws:execute-api:${gateway.region}:000000000000:${gateway.apiId}/${gateway.stage}/$connect`
  const query =
    request.query ?? (gateway.undocumented.authorizerQuery === 'empty' ? { single: {}, multi: {} } : undefined)
  const eventInfo = { routeKey: '$connect', requestId: gateway.ids.request(), time: gateway.clock.now() }
  const event = toAuthorizerEvent(info, eventInfo, { headers, query, methodArn })
  return readAuthorizerResult(await gateway.integrate(functionName, event), methodArn)
}

async function connect(
  gateway: GatewayContext,
  info: ConnectionInfo,
  request: Parameters<typeof toConnectEvent>[2],
): Promise<HandshakeOutcome> {
  const functionName = findFunction(gateway, '$connect')
  if (functionName === undefined) return { status: 'open', info, subprotocol: undefined }
  const eventInfo = { routeKey: '$connect', requestId: gateway.ids.request(), time: gateway.clock.now() }
  const result = await gateway.integrate(functionName, toConnectEvent(info, eventInfo, request))
  return toOutcome(gateway, info, result)
}

/**
 * Only the status and `Sec-WebSocket-Protocol` of the response reach the client. The gateway never chooses a
 * subprotocol itself.
 */
function toOutcome(gateway: GatewayContext, info: ConnectionInfo, result: IntegrationResult): HandshakeOutcome {
  if (result.status === 'throttled') return rejected(gateway.undocumented.connectThrottledStatus)
  const response = result.status === 'ok' ? parseProxyResponse(result.payload) : undefined
  if (response === undefined) return rejected(502)
  if (response.statusCode >= 300) return rejected(response.statusCode)
  const subprotocol = response.headers.get('sec-websocket-protocol')
  if (subprotocol !== undefined && !token.test(subprotocol)) return rejected(502)
  return { status: 'open', info, subprotocol }
}

function toForwardedHeaders(gateway: GatewayContext, info: ConnectionInfo): Record<string, string> {
  return {
    'X-Amzn-Trace-Id': gateway.ids.trace(),
    'X-Forwarded-For': info.identity.sourceIp,
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
  }
}
