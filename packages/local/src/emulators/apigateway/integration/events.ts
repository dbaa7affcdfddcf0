import { type EventFields, toEventHeaders } from './headers.ts'

/** The data that all events of one connection share. */
export interface ConnectionInfo {
  readonly connectionId: string
  /** Epoch milliseconds. */
  readonly connectedAt: number
  /** The host that the client connected to. */
  readonly domainName: string
  readonly stage: string
  readonly apiId: string
  readonly identity: { readonly userAgent?: string; readonly sourceIp: string }
  /** The authorizer's context. All values are strings; `principalId` is last. */
  readonly authorizer?: Readonly<Record<string, string>>
}

/** The data of one event. */
export interface EventInfo {
  readonly routeKey: string
  readonly requestId: string
  /** Epoch milliseconds. */
  readonly time: number
}

interface ContextParts {
  readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
  readonly authorizer?: Readonly<Record<string, string | number>> | undefined
  readonly messageId?: string
  readonly disconnect?: { readonly code: number; readonly reason: string }
}

/** The event of `$connect`. Only this event contains `integrationLatency`, the authorizer's milliseconds. */
export function toConnectEvent(
  info: ConnectionInfo,
  eventInfo: EventInfo,
  request: {
    readonly headers: EventFields
    readonly query: EventFields | undefined
    readonly integrationLatency: number
  },
) {
  const authorizer = info.authorizer && { ...info.authorizer, integrationLatency: request.integrationLatency }
  return {
    headers: request.headers.single,
    multiValueHeaders: request.headers.multi,
    ...(request.query && {
      queryStringParameters: request.query.single,
      multiValueQueryStringParameters: request.query.multi,
    }),
    requestContext: toRequestContext(info, eventInfo, { eventType: 'CONNECT', authorizer }),
    isBase64Encoded: false,
  }
}

/** The event of a message. It has neither headers nor query. */
export function toMessageEvent(info: ConnectionInfo, eventInfo: EventInfo & { messageId: string; body: string }) {
  return {
    requestContext: toRequestContext(info, eventInfo, {
      eventType: 'MESSAGE',
      authorizer: info.authorizer,
      messageId: eventInfo.messageId,
    }),
    body: eventInfo.body,
    isBase64Encoded: false,
  }
}

/** The event of `$disconnect`, with the close code and reason. */
export function toDisconnectEvent(
  info: ConnectionInfo,
  eventInfo: EventInfo,
  disconnect: { readonly code: number; readonly reason: string },
) {
  const named = ['Host', info.domainName, 'x-api-key', '', 'X-Forwarded-For', '', 'x-restapi', '']
  const headers = toEventHeaders(named)
  return {
    headers: headers.single,
    multiValueHeaders: headers.multi,
    requestContext: toRequestContext(info, eventInfo, {
      eventType: 'DISCONNECT',
      authorizer: info.authorizer,
      disconnect,
    }),
    isBase64Encoded: false,
  }
}

/** `requestContext`, with its keys in the gateway's order. */
export function toRequestContext(info: ConnectionInfo, { routeKey, requestId, time }: EventInfo, parts: ContextParts) {
  return {
    routeKey,
    ...(parts.authorizer && { authorizer: parts.authorizer }),
    ...(parts.disconnect && { disconnectStatusCode: parts.disconnect.code }),
    ...(parts.messageId && { messageId: parts.messageId }),
    eventType: parts.eventType,
    extendedRequestId: requestId,
    requestTime: toLogTime(time),
    messageDirection: 'IN',
    ...(parts.disconnect && { disconnectReason: parts.disconnect.reason }),
    stage: info.stage,
    connectedAt: info.connectedAt,
    requestTimeEpoch: time,
    identity: info.identity,
    requestId,
    domainName: info.domainName,
    connectionId: info.connectionId,
    apiId: info.apiId,
  }
}

/** Common Log Format in UTC: `20/Jan/2024:11:55:08 +0000`. */
function toLogTime(time: number): string {
  const [, day, month, year, clock] = new Date(time).toUTCString().split(' ')
  return `${day}/${month}/${year}:${clock} +0000`
}
