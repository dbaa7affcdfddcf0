import type { IncomingMessage, ServerResponse } from 'node:http'
import { findHostError } from '../same-site.ts'
import { readBody } from './callback-api.ts'
import type { GatewayContext } from './connection/gateway-context.ts'
import { toHttpEvent } from './integration/http-event.ts'
import { type IntegrationResult, waitForIntegration } from './integration/invoke.ts'
import { StreamedResponse } from './integration/streamed-response.ts'

/** HTTP APIs take 10 MB, and give a function 30 s. Neither can be raised. */
const requestBytes = 10 * 1024 * 1024
const integrationMs = 30_000

/**
 * An HTTP API whose routes all go to one function. A function with response streaming is passed on as a function URL
 * does it. It is no second door for pages of other sites: the function checks the origin, as deployed, and the host must
 * be a name of this machine.
 */
export function createHttpApi(gateway: GatewayContext, functionName: string) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const responded = respond(gateway, functionName, { request, response })
    // A client may wait for a long time, and `idle` must not wait with it.
    if (!isLive(request)) void gateway.inFlight.track(responded)
  }
}

interface HttpResult {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

async function respond(gateway: GatewayContext, functionName: string, { request, response }: Exchange): Promise<void> {
  const body = await new Promise<Buffer | 'too-large' | 'broken'>((resolve) => {
    readBody(request, requestBytes, resolve)
  })
  if (body === 'broken') return
  if (findHostError(request) !== undefined) return write(response, gatewayAnswer(403, 'Forbidden'))
  if (body === 'too-large') return write(response, gatewayAnswer(413, 'Request Entity Too Large'))
  const { apiId, stage, clock } = gateway
  const info = { apiId, stage, requestId: gateway.ids.request(), time: clock.now() }
  const event = toHttpEvent(request, body, info)
  const streamed = new StreamedResponse(response)
  const invoke = async () => gateway.invoke(functionName, event, { reader: streamed, isLive: isLive(request) })
  const invocation = invoke()
  const result = await waitForIntegration(clock, invocation, integrationMs)
  if (!streamed.hasBegun) return write(response, toResult(result))
  const ended = result.status === 'integration-timeout' ? await invocation : result
  if (ended.status === 'ok') response.end()
  else response.destroy()
}

const isLive = ({ url = '' }: IncomingMessage) => /[?&]live=/.test(url)

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

function write(response: ServerResponse, result: HttpResult): void {
  if (response.destroyed) return // the client has left
  const { statusCode, headers = {}, body = '', isBase64Encoded } = result
  response.writeHead(statusCode, headers)
  response.end(isBase64Encoded === true ? Buffer.from(body, 'base64') : body)
}
