import type { DeliverJob } from '../../runtime/delivery/deliver-job.ts'

/** The members of an event of an API Gateway WebSocket API (Lambda proxy integration) that are used. */
export interface GatewayEvent {
  readonly requestContext: {
    readonly connectionId: string
    readonly eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT'
    readonly routeKey: string
    readonly connectedAt: number
    /** Of a disconnect: what the gateway says of it. */
    readonly disconnectReason?: string
    readonly identity?: { readonly sourceIp?: string }
    readonly authorizer?: Readonly<Record<string, unknown>>
  }
  readonly headers?: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>> | null
  readonly body?: string
}

/** The members of the event of a REQUEST authorizer that are used. */
export interface AuthorizerEvent extends Pick<GatewayEvent, 'headers' | 'queryStringParameters' | 'requestContext'> {
  readonly type: 'REQUEST'
  readonly methodArn: string
}

/** The members of a function's context that are used. */
export interface FunctionContext {
  getRemainingTimeInMillis?(): number
  readonly functionName?: string
  readonly awsRequestId?: string
}

/** Whether API Gateway sent an event. */
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

/** The routes on which API Gateway sends what the function returns. All others are one-way. */
export const twoWayRoutes: ReadonlySet<string> = new Set(['$default'])

/** Whether an event is a job of `deliver`. */
export function isDeliverJob(event: unknown): event is DeliverJob {
  return (
    isRecord(event) &&
    typeof event['topic'] === 'string' &&
    (Number.isInteger(event['offset']) || typeof event['data'] === 'string')
  )
}

/** A Lambda handler. */
export type AwsHandler = (event: unknown, context: unknown) => Promise<unknown>
