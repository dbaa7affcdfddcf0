/** The device's end of a socket. */
export interface Peer {
  opened(): void
  message(text: string): void
  /** The socket is closed and the device knows it. */
  lost(code: number | undefined, reason: string): void
}

/** A device's handle of a socket. */
export interface Wire {
  readonly connectionId: string
  /** Returns false when the socket is not open. */
  send(text: string): boolean
  close(): void
  /** Breaks the socket: nothing is transmitted any more. `noticedBy` decides which ends notice it. */
  break(noticedBy: { readonly device: boolean; readonly gateway: boolean }): void
}

export type SocketState = 'connecting' | 'open' | 'closed'

/** A connection as the gateway sees it. */
export interface GatewayConnection {
  readonly connectionId: string
  readonly device: string
  readonly state: SocketState
  /** The refs of the subscriptions that the device requested and did not stop, by the JSON text of their ids. */
  readonly requestedRefs: ReadonlyMap<string, number>
  /** The names of generators whose subscribe failed because its function failed. */
  readonly failedSubscribes: ReadonlySet<string>
  /** The expiry of the newest token that the server received, in virtual epoch milliseconds. */
  readonly authorityEnds: number
  /** True if it offered no subprotocol. */
  readonly isStock: boolean
  /** True when the socket is half-open: nothing is transmitted, and the gateway has not noticed. */
  readonly isMute: boolean
  /** When the gateway noticed its end. */
  readonly closedAt: number
}

/** The gateway's own state of a connection. */
export interface Connection extends GatewayConnection {
  state: SocketState
  authorityEnds: number
  readonly requestedRefs: Map<string, number>
  readonly failedSubscribes: Set<string>
  readonly peer: Peer
  readonly connectedAt: number
  readonly headers: Readonly<Record<string, string>>
  /** The context that the authorizer returned; undefined before it. */
  authorizer: unknown
  /** True while the device's end is open. */
  isDeviceOpen: boolean
  isMute: boolean
  closedAt: number
  activeAt: number
  /**
   * When the last message to the client arrives. Messages to a stock client keep their order, which [LAW-STOCK-ORDER]
   * assumes for awaited posts.
   */
  lastArrivalAt: number
}

/** The fields of a new connection that do not depend on its handshake. */
export function newConnection(
  peer: Peer,
  now: number,
): Pick<
  Connection,
  'peer' | 'isDeviceOpen' | 'isMute' | 'failedSubscribes' | 'closedAt' | 'activeAt' | 'lastArrivalAt'
> {
  return {
    ...{ peer, isDeviceOpen: true, isMute: false, failedSubscribes: new Set(), closedAt: 0, activeAt: now },
    lastArrivalAt: 0,
  }
}

/** The members of a Lambda event's `requestContext` that every event of a connection has. */
export function requestContextOf({ connectionId, connectedAt }: Connection) {
  return { connectionId, connectedAt, identity: { sourceIp: '192.0.2.1' } }
}
