import { principalOf } from '../../records/application.ts'
import { type Connection, newConnection, type Peer, requestContextOf } from './connection.ts'
import type { ConnectionLife } from './connection-life.ts'
import { type GatewayEnvironment, upMs } from './environment.ts'

/** Starts the handshake of a new connection, which runs the authorizer and then `$connect`. */
export function startHandshake(
  environment: GatewayEnvironment,
  life: ConnectionLife,
  {
    connectionId,
    device,
    protocols,
    peer,
  }: {
    readonly connectionId: string
    readonly device: string
    readonly protocols: readonly string[]
    readonly peer: Peer
  },
): Connection {
  const { kernel, plan } = environment
  const offer = protocols.find((each) => each.startsWith('token.'))
  const connection: Connection = {
    ...{ ...newConnection(peer, kernel.now), connectionId, device, state: 'connecting', authorizer: undefined },
    ...{ requestedRefs: new Map(), connectedAt: kernel.now, isStock: protocols.length === 0 },
    authorityEnds: offer === undefined ? Number.POSITIVE_INFINITY : environment.expiryOf(readToken(offer)),
    headers: protocols.length === 0 ? {} : { 'Sec-WebSocket-Protocol': protocols.join(', ') },
  }
  if (offer !== undefined) {
    environment.rights.connected(connectionId, readToken(offer))
    environment.kicks.connected(connectionId, principalOf(readToken(offer)))
  }
  kernel.after(upMs(environment), `connect ${connectionId}`, () => {
    if (plan.strikes('F17')) life.refuse(connection, 'refused')
    else authorize(environment, life, connection)
  })
  return connection
}

function authorize(environment: GatewayEnvironment, life: ConnectionLife, connection: Connection): void {
  const { kernel, plan, random, functions } = environment
  const requestContext = { ...requestContextOf(connection), eventType: 'CONNECT', routeKey: '$connect' }
  const event = { headers: connection.headers, requestContext }
  functions().invoke(
    'authorizer',
    { ...event, type: 'REQUEST', methodArn: 'arn:x' },
    {
      failed: () => life.refuse(connection, 'the authorizer failed'),
      returned: (result) => {
        connection.authorizer = (result as { readonly context: unknown }).context
        const { authorizer } = connection
        functions().invoke(
          'websocket',
          { ...event, requestContext: { ...requestContext, authorizer } },
          {
            failed: () => life.refuse(connection, '$connect failed'),
            returned: (value) => {
              const { statusCode } = value as { readonly statusCode: number }
              if (statusCode === 200) life.accept(connection)
              else life.refuse(connection, 'refused')
            },
          },
        )
        if (plan.strikes('F13'))
          kernel.after(random.between(0, 30), 'broken while connecting', () => life.drop(connection))
      },
    },
  )
}

function readToken(offer: string): string {
  return Buffer.from(offer.slice('token.'.length), 'base64url').toString()
}
