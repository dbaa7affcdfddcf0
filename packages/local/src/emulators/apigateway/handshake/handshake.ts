import { findFunction, type GatewayParts } from '../connection/gateway-context.ts'
import { type ConnectionFacts, toConnectEvent } from '../integration/events.ts'
import { type EventFields, toEventHeaders, toEventQuery } from '../integration/headers.ts'
import type { IntegrationResult } from '../integration/invoke.ts'
import { parseProxyResponse } from '../integration/proxy-response.ts'
import { hasIdentity, judgeAuthorizer, toAuthorizerEvent } from './authorizer.ts'

/** A client's upgrade request. */
export interface HandshakeRequest {
  readonly rawHeaders: readonly string[]
  /** Path and query. */
  readonly target: string
}

/** How a handshake ends: open, with the subprotocol that `$connect` chose, or refused with an HTTP status. */
export type HandshakeOutcome =
  | { readonly status: 'open'; readonly facts: ConnectionFacts; readonly subprotocol: string | undefined }
  | { readonly status: 'refused'; readonly code: number }

const refused = (code: number): HandshakeOutcome => ({ status: 'refused', code })
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Asks the authorizer, then `$connect`. Never rejects. */
export async function shakeHands(
  parts: GatewayParts,
  facts: ConnectionFacts,
  request: HandshakeRequest,
): Promise<HandshakeOutcome> {
  const query = toEventQuery(request.target)
  const forwarded = toForwardedHeaders(parts, facts)
  const startedAt = parts.clock.now()
  const authorization = await authorize(parts, facts, { ...request, query, forwarded })
  if (authorization?.status === 'refused') return refused(authorization.code)
  const known = authorization ? { ...facts, authorizer: authorization.context } : facts
  const integrationLatency = parts.clock.now() - startedAt
  const headers = toEventHeaders(request.rawHeaders, { omit: upgradeHeaders, add: forwarded })
  return connect(parts, known, { headers, query, integrationLatency })
}

const upgradeHeaders = ['connection', 'upgrade', 'content-length']

async function authorize(
  parts: GatewayParts,
  facts: ConnectionFacts,
  request: HandshakeRequest & { readonly query: EventFields | undefined; readonly forwarded: Record<string, string> },
) {
  if (parts.authorizer === undefined) return undefined
  const { functionName, identitySource } = parts.authorizer
  const headers = toEventHeaders(request.rawHeaders, { add: { 'content-length': '0', ...request.forwarded } })
  if (!hasIdentity(identitySource, { headers, query: request.query })) return { status: 'refused', code: 401 } as const
  const methodArn = `arn:aws:execute-api:${parts.region}:000000000000:${parts.apiId}/${parts.stage}/$connect`
  const query = request.query ?? (parts.unsure.authorizerQuery === 'empty' ? { single: {}, multi: {} } : undefined)
  const occasion = { routeKey: '$connect', requestId: parts.ids.request(), time: parts.clock.now() }
  const event = toAuthorizerEvent(facts, occasion, { headers, query, methodArn })
  return judgeAuthorizer(await parts.integrate(functionName, event), methodArn)
}

async function connect(
  parts: GatewayParts,
  facts: ConnectionFacts,
  request: Parameters<typeof toConnectEvent>[2],
): Promise<HandshakeOutcome> {
  const functionName = findFunction(parts, '$connect')
  if (functionName === undefined) return { status: 'open', facts, subprotocol: undefined }
  const occasion = { routeKey: '$connect', requestId: parts.ids.request(), time: parts.clock.now() }
  const result = await parts.integrate(functionName, toConnectEvent(facts, occasion, request))
  return judgeConnect(parts, facts, result)
}

/** Of the answer only the status and `Sec-WebSocket-Protocol` reach the client; the gateway never chooses a subprotocol itself. */
function judgeConnect(parts: GatewayParts, facts: ConnectionFacts, result: IntegrationResult): HandshakeOutcome {
  if (result.status === 'throttled') return refused(parts.unsure.connectThrottledStatus)
  const response = result.status === 'ok' ? parseProxyResponse(result.payload) : undefined
  if (response === undefined) return refused(502)
  if (response.statusCode >= 300) return refused(response.statusCode)
  const subprotocol = response.headers.get('sec-websocket-protocol')
  if (subprotocol !== undefined && !token.test(subprotocol)) return refused(502)
  return { status: 'open', facts, subprotocol }
}

function toForwardedHeaders(parts: GatewayParts, facts: ConnectionFacts): Record<string, string> {
  return {
    'X-Amzn-Trace-Id': parts.ids.trace(),
    'X-Forwarded-For': facts.identity.sourceIp,
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
  }
}
