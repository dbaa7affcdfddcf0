import type { IncomingMessage } from 'node:http'
import { defined } from '@trunkline/protocol'
import type { GatewayContext } from '../connection/gateway-context.ts'
import type { ConnectionInfo } from '../integration/events.ts'
import { findHeader, toEventHeaders } from '../integration/headers.ts'
import { isSocketPath } from '../integration/paths.ts'

const urlBytes = 4_096 // the gateway's fixed quota for the length of an address
const keyPattern = /^[+/0-9A-Za-z]{22}==$/
const protocolsPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/

/**
 * The HTTP status with which an upgrade request is rejected before any function runs. Undefined for a valid request.
 */
export function findRequestError(gateway: GatewayContext, request: IncomingMessage): number | undefined {
  const { method, url = '/', headers } = request
  if (url.length > urlBytes) return 414
  if (headerBytesOf(request) > gateway.limits.headerBytes) return gateway.undocumented.headersTooLargeStatus
  if (!isSocketPath(gateway.stage, url)) return gateway.undocumented.wrongPathStatus
  if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket') return 400
  if (!keyPattern.test(headers['sec-websocket-key'] ?? '')) return 400
  if (headers['sec-websocket-version'] !== '13') return 400
  const offered = headers['sec-websocket-protocol']
  return offered === undefined || isProtocolList(offered) ? undefined : 400
}

/** The size of the request line and of the headers' values. The gateway's quota does not count header names. */
function headerBytesOf({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): number {
  const values = rawHeaders.filter((_, index) => index % 2 === 1)
  return Buffer.byteLength([method, url, `HTTP/${httpVersion}`, ...values].join(''), 'latin1')
}

/** The connection data in an upgrade request. */
export function toConnectionInfo(gateway: GatewayContext, request: IncomingMessage): ConnectionInfo {
  const userAgent = request.headers['user-agent']
  const sourceIp = (request.socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '')
  return {
    connectionId: gateway.ids.connection(),
    connectedAt: gateway.clock.now(),
    domainName: findHeader(toEventHeaders(request.rawHeaders), 'host') ?? 'localhost',
    stage: gateway.stage,
    apiId: gateway.apiId,
    identity: defined({ userAgent, sourceIp }),
  }
}

/** Whether this is a list of valid subprotocol names without duplicates. */
function isProtocolList(offered: string): boolean {
  const names = offered.split(',').map((name) => name.trim())
  return protocolsPattern.test(offered) && new Set(names).size === names.length
}
