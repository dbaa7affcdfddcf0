import type { IncomingMessage, ServerResponse } from 'node:http'
import { findHostError } from '../same-site.ts'
import { readBody } from './callback-api.ts'
import type { GatewayContext } from './connection/gateway-context.ts'
import { toHttpEvent } from './integration/http-event.ts'
import { type IntegrationResult, waitForIntegration } from './integration/invoke.ts'

/** HTTP APIs take 10 MB, and give a function 30 s. Neither can be raised. */
const requestBytes = 10 * 1024 * 1024
const integrationMs = 30_000

/**
 * An HTTP API whose routes all go to one function. It is no second door for pages of other sites: the function checks
 * the origin, as deployed, and the host must be a name of this machine.
 */
export function createHttpApi(gateway: GatewayContext, functionName: string) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    void gateway.inFlight.track(respond(gateway, functionName, request).then((result) => write(response, result)))
  }
}

interface HttpResult {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

async function respond(
  gateway: GatewayContext,
  functionName: string,
  request: IncomingMessage,
): Promise<HttpResult | undefined> {
  const body = await readBody(request, requestBytes)
  if (body === 'broken') return undefined
  if (findHostError(request) !== undefined) return gatewayAnswer(403, 'Forbidden')
  if (body === 'too-large') return gatewayAnswer(413, 'Request Entity Too Large')
  const { apiId, stage, clock } = gateway
  const info = { apiId, stage, requestId: gateway.ids.request(), time: clock.now() }
  const invoke = async () => gateway.invoke(functionName, toHttpEvent(request, body, info))
  return toResult(await waitForIntegration(clock, invoke(), integrationMs))
}

/** A function that fails or is throttled, or that answers too late, is answered for by the gateway. */
function toResult(result: IntegrationResult): HttpResult {
  if (result.status === 'integration-timeout' || result.status === 'throttled')
    return gatewayAnswer(503, 'Service Unavailable')
  if (result.status !== 'ok') return gatewayAnswer(500, 'Internal Server Error')
  return result.payload as HttpResult
}

function gatewayAnswer(statusCode: number, message: string): HttpResult {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) }
}

/** Undefined: the client has left. */
function write(response: ServerResponse, result: HttpResult | undefined): void {
  if (result === undefined || response.destroyed) return
  const { statusCode, headers = {}, body = '', isBase64Encoded } = result
  response.writeHead(statusCode, headers)
  response.end(isBase64Encoded === true ? Buffer.from(body, 'base64') : body)
}
