import type { DeliverJob } from '../../runtime/delivery/deliver-job.ts'

/** What of the gateway's events is read. Shapes: API Gateway WebSocket, Lambda proxy integration. */
export interface GatewayEvent {
  readonly requestContext: {
    readonly connectionId: string
    readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
    readonly routeKey: string
    readonly connectedAt: number
    readonly identity?: { readonly sourceIp?: string }
    readonly authorizer?: Readonly<Record<string, unknown>>
  }
  readonly headers?: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>> | null
  readonly body?: string
}

/** What of a REQUEST authorizer's event is read. */
export interface AuthorizerEvent extends Pick<GatewayEvent, 'headers' | 'queryStringParameters' | 'requestContext'> {
  readonly type: 'REQUEST'
  readonly methodArn: string
}

/** What of a function's context is read. */
export interface FunctionContext {
  getRemainingTimeInMillis?(): number
  readonly functionName?: string
  readonly awsRequestId?: string
}

/** Whether an event is a gateway's. */
export function isGatewayEvent(event: unknown): event is GatewayEvent {
  return (
    isRecord(event) && isRecord(event['requestContext']) && typeof event['requestContext']['connectionId'] === 'string'
  )
}

export function isAuthorizerEvent(event: unknown): event is AuthorizerEvent {
  return isGatewayEvent(event) && 'methodArn' in event && typeof event.methodArn === 'string'
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** The routes whose answer is what the function returns; every other one is one-way. */
export const twoWayRoutes: ReadonlySet<string> = new Set(['$default'])

/** What `deliver` is invoked with by the line, or by a queue. */
export function isDeliverJob(event: unknown): event is DeliverJob {
  return (
    isRecord(event) &&
    typeof event['topic'] === 'string' &&
    (Number.isInteger(event['offset']) || typeof event['data'] === 'string')
  )
}

/** A function as the platform calls it. */
export type AwsHandler = (event: unknown, context: unknown) => Promise<unknown>
