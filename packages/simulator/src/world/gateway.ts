// One file over 200 lines: sockets, routes and posts of the gateway share the state of their connections.

import type { PostOutcome } from '@trunkline/server/ports'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { createQuota } from '../kernel/quota.ts'
import type { Random } from '../kernel/random.ts'
import type { Report } from '../kernel/report.ts'
import type { PresenceExpectations } from '../records/presence-expectations.ts'
import type { SubscriptionResponses } from '../records/subscription-responses.ts'
import type { Functions } from './functions.ts'
import type { OldConnection } from './old-table.ts'

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
  readonly wants: ReadonlyMap<string, number>
  /** The names of generators whose subscribe failed because its function failed. */
  readonly failedSubscribes: ReadonlySet<string>
  /** The expiry of the newest token that the server received. */
  readonly authorityEnds: number
  /** True if it offered no subprotocol. */
  readonly isStock: boolean
  /** True when the socket is half-open: nothing is transmitted, and the gateway has not noticed. */
  readonly mute: boolean
  /** When the gateway noticed its end. */
  readonly closedAt: number
}

/** API Gateway: sockets, routes, posts, its limits and its frames. */
export interface SimulatedGateway {
  connect(device: string, protocols: readonly string[], peer: Peer): Wire
  post(connectionId: string, text: string): Promise<PostOutcome>
  disconnect(connectionId: string): Promise<'closed'>
  readonly connections: ReadonlyMap<string, GatewayConnection>
  /** Adopts a socket that was opened before the schedule started. */
  adopt(socket: OldConnection, peer: Peer): Wire
  /** Closes every socket, as the end of a local line does. */
  dropAll(): void
}

export interface GatewayOptions {
  readonly kernel: Kernel
  readonly plan: FaultPlan
  readonly random: Random
  readonly functions: () => Functions
  readonly report: Report
  readonly expectations: PresenceExpectations
  readonly answers: SubscriptionResponses
  readonly expiryOf: (token: string) => number
  /** Frames of these methods are dropped before they leave a device. */
  readonly swallowed: ReadonlySet<string>
  /** Called for each push. */
  readonly onPush?: (connectionId: string, text: string) => void
}

interface Connection extends GatewayConnection {
  state: SocketState
  authorityEnds: number
  readonly wants: Map<string, number>
  readonly failedSubscribes: Set<string>
  readonly peer: Peer
  readonly connectedAt: number
  readonly headers: Readonly<Record<string, string>>
  authorizer: unknown
  /** True while the device's end is open. */
  deviceOpen: boolean
  mute: boolean
  closedAt: number
  activeAt: number
  /**
   * When the last message to the client was sent. Messages to a stock client keep their order, which [LAW-STOCK-ORDER]
   * assumes for awaited posts.
   */
  downAt: number
}

const idleMs = 600_000
const lifetimeMs = 7_200_000
const frameCharacters = 32_768 // schedules send ASCII only
const messageCharacters = 131_072
const oneWay: ReadonlySet<string> = new Set(['subscription', 'subscription.stop', 'connectionParams'])
const authoritySlackMs = 5_000 + 6_000 + 12_000 // the grace of H12, the retries of a post, and the error of two clocks

/** Creates a gateway without sockets. */
export function createGateway(options: GatewayOptions): SimulatedGateway {
  const { kernel, plan, random, report, expectations, answers } = options
  const connections = new Map<string, Connection>()
  const countPost = createQuota({ name: 'posts', perSecond: 10_000, now: () => kernel.now, report })
  let [count, quotaUsedUntil] = [0, 0]
  const up = () => plan.strikes('F11')?.between(20, 2_500) ?? random.between(4, 40)
  const down = () => plan.strikes('F7')?.between(20, 4_000) ?? random.between(4, 40)

  function connect(device: string, protocols: readonly string[], peer: Peer): Wire {
    const connectionId = `c${++count}=`
    const offer = protocols.find((each) => each.startsWith('token.'))
    const connection: Connection = {
      ...{ connectionId, device, peer, state: 'connecting', deviceOpen: true, mute: false, authorizer: undefined },
      ...{ wants: new Map(), failedSubscribes: new Set(), connectedAt: kernel.now, activeAt: kernel.now, closedAt: 0 },
      authorityEnds: offer === undefined ? Number.POSITIVE_INFINITY : options.expiryOf(readToken(offer)),
      headers: protocols.length === 0 ? {} : { 'Sec-WebSocket-Protocol': protocols.join(', ') },
      isStock: protocols.length === 0,
      downAt: 0,
    }
    connections.set(connectionId, connection)
    kernel.after(up(), `connect ${connectionId}`, () => {
      if (plan.strikes('F17')) refuse(connection, 'refused')
      else authorize(connection)
    })
    return wireOf(connection)
  }

  function wireOf(connection: Connection): Wire {
    const { connectionId, device } = connection
    return {
      connectionId,
      send: (text) => {
        if (!connection.deviceOpen || connection.state === 'connecting') return false
        if (text.length > frameCharacters) report.break('H16', `${device} sent a frame of ${text.length} characters`)
        sendUp(connection, text)
        return true
      },
      close: () => {
        if (!connection.deviceOpen) return
        connection.deviceOpen = false
        if (connection.mute) return
        kernel.after(up(), `closed ${connectionId}`, () => end(connection))
      },
      break: (noticedBy) => {
        connection.mute = true
        if (noticedBy.gateway) kernel.after(up(), `broken ${connectionId}`, () => end(connection))
        if (noticedBy.device) loseAtDevice(connection, undefined, 'broken')
      },
    }
  }

  const base = ({ connectionId, connectedAt }: Connection) => ({
    ...{ connectionId, connectedAt, identity: { sourceIp: '192.0.2.1' } },
  })

  function authorize(connection: Connection): void {
    const requestContext = { ...base(connection), eventType: 'CONNECT', routeKey: '$connect' }
    const event = { headers: connection.headers, requestContext }
    options.functions().invoke(
      'authorizer',
      { ...event, type: 'REQUEST', methodArn: 'arn:x' },
      {
        failed: () => refuse(connection, 'the authorizer failed'),
        answered: (answer) => {
          const { context } = answer as { readonly context: unknown }
          connection.authorizer = context
          const connected = { ...event, requestContext: { ...requestContext, authorizer: context } }
          options.functions().invoke('websocket', connected, {
            failed: () => refuse(connection, '$connect failed'),
            answered: (value) => {
              if ((value as { readonly statusCode: number }).statusCode !== 200) return refuse(connection, 'refused')
              accept(connection)
            },
          })
          if (plan.strikes('F13'))
            kernel.after(random.between(0, 30), 'broken while connecting', () => drop(connection))
        },
      },
    )
  }

  function refuse(connection: Connection, why: string): void {
    if (connection.state === 'closed') return
    connection.state = 'closed'
    loseAtDevice(connection, undefined, why)
  }

  function accept(connection: Connection): void {
    if (connection.state !== 'connecting') return
    if (!connection.deviceOpen) {
      end(connection)
      return
    }
    connection.state = 'open'
    connection.activeAt = kernel.now
    kernel.after(down(), `open ${connection.connectionId}`, () => {
      if (connection.deviceOpen) connection.peer.opened()
    })
    watchLife(connection)
  }

  function watchLife(connection: Connection): void {
    kernel.after(connection.connectedAt + lifetimeMs - kernel.now, 'lifetime', () => drop(connection))
    watchIdle(connection)
  }

  function adopt({ device, wants, authorityEnds, ...socket }: OldConnection, peer: Peer): Wire {
    const connection: Connection = {
      ...{ ...socket, device: `old ${device}`, peer, state: 'open', deviceOpen: true, mute: false, headers: {} },
      ...{ wants: new Map(Object.entries(wants)), failedSubscribes: new Set(), activeAt: kernel.now, closedAt: 0 },
      ...{ authorityEnds: authorityEnds ?? Number.POSITIVE_INFINITY, downAt: 0 },
    }
    connections.set(connection.connectionId, connection)
    count = Math.max(count, Number.parseInt(connection.connectionId.slice(1), 10))
    watchLife(connection)
    return wireOf(connection)
  }

  function watchIdle(connection: Connection): void {
    const left = connection.activeAt + idleMs - kernel.now
    kernel.after(Math.max(1, left), 'idle?', () => {
      if (connection.state !== 'open') return
      if (kernel.now - connection.activeAt >= idleMs) drop(connection)
      else watchIdle(connection)
    })
  }

  /** Closes a connection from the gateway's side. */
  function drop(connection: Connection): void {
    if (connection.state === 'closed') return
    end(connection)
    if (!connection.mute) kernel.after(down(), 'dropped', () => loseAtDevice(connection, 1001, 'Going away'))
  }

  function loseAtDevice(connection: Connection, code: number | undefined, reason: string): void {
    if (!connection.deviceOpen) return
    connection.deviceOpen = false
    connection.peer.lost(code, reason)
  }

  /** The gateway notices the end of a connection and runs `$disconnect`, which is best effort. */
  function end(connection: Connection): void {
    if (connection.state === 'closed') return
    connection.state = 'closed'
    connection.closedAt = kernel.now
    expectations.lost(connection.connectionId)
    kernel.note(`end ${connection.connectionId}`)
    if (connection.authorizer === undefined) return
    const { authorizer } = connection
    const requestContext = { ...base(connection), authorizer, eventType: 'DISCONNECT', routeKey: '$disconnect' }
    const runDisconnect = (ms: number) =>
      kernel.after(ms, `$disconnect ${connection.connectionId}`, () =>
        options.functions().invoke('websocket', { requestContext }, { answered: () => {}, failed: () => {} }),
      )
    const strike = plan.strikes('F14')
    const how = strike?.int(3)
    if (how === 0) return // lost
    runDisconnect(how === 1 ? (strike as Random).between(1_000, 60_000) : random.between(5, 50))
    if (how === 2) runDisconnect((strike as Random).between(10, 20_000))
  }

  function breakBy(connection: Connection): boolean {
    if (plan.strikes('F13')) {
      drop(connection)
      if (connection.isStock) connection.mute = true // messages after a lost one are lost too
      return true
    }
    if (plan.strikes('F12')) connection.mute = true
    return connection.mute
  }

  function sendUp(connection: Connection, text: string): void {
    const frame = text === 'PING' ? {} : (JSON.parse(text) as { readonly method?: string })
    if (options.swallowed.has(frame.method ?? '')) return
    noteWants(connection, frame)
    kernel.after(up(), `frame ${connection.connectionId} ${frame.method ?? 'batch'}`, () => {
      if (connection.state !== 'open' || breakBy(connection)) return
      connection.activeAt = kernel.now
      if (plan.strikes('F9')) return
      route(connection, text, frame.method ?? '')
      const again = plan.strikes('F10')
      if (again) kernel.after(again.between(1, 3_000), 'frame again', () => route(connection, text, frame.method ?? ''))
    })
  }

  function noteWants(connection: Connection, frame: unknown): void {
    for (const each of Array.isArray(frame) ? frame : [frame]) {
      expectations.requested(connection, each)
      answers.requested(connection, each)
      const { id, method, params } = each as { id?: unknown; method?: string; params?: Record<string, unknown> }
      if (method === 'subscription') connection.wants.set(JSON.stringify(id), Number(params?.['ref'] ?? 1))
      if (method === 'subscription.stop') connection.wants.delete(JSON.stringify(id))
      if (method !== 'auth') continue
      connection.authorityEnds = Math.max(connection.authorityEnds, options.expiryOf(String(params?.['token'])))
    }
  }

  function route(connection: Connection, body: string, method: string): void {
    if (method === 'ping') {
      sendDown(connection, '{"pong":true}')
      return
    }
    const routeKey = oneWay.has(method) ? method : '$default'
    const { authorizer } = connection
    const requestContext = { ...base(connection), authorizer, eventType: 'MESSAGE', routeKey }
    const gatewayFrame = (message: string) =>
      sendDown(connection, JSON.stringify({ message, connectionId: connection.connectionId, requestId: 'r' }))
    const invokeOnce = (isAnswered: boolean) =>
      options.functions().invoke(
        'websocket',
        { requestContext, body },
        {
          answered: (value) => {
            const text = (value as { readonly body?: string }).body
            if (!isAnswered || routeKey !== '$default' || text === undefined || plan.strikes('F49')) return
            sendDown(connection, text)
          },
          failed(why) {
            if (!isAnswered) return
            for (const name of generatorsOf(body)) connection.failedSubscribes.add(name)
            gatewayFrame(why === 'timed-out' ? 'Endpoint request timed out' : 'Internal server error')
          },
        },
      )
    invokeOnce(true)
    if (plan.strikes('F21')) invokeOnce(false)
  }

  function sendDown(connection: Connection, text: string): void {
    if (connection.state !== 'open' || connection.mute) return
    connection.activeAt = kernel.now
    const ms = connection.isStock ? Math.max(down(), connection.downAt - kernel.now) : down()
    connection.downAt = kernel.now + ms
    kernel.after(ms, `down ${connection.connectionId}`, () => {
      if (!connection.deviceOpen || connection.mute || breakBy(connection)) return
      expectations.answered(connection, text)
      answers.answered(connection, text)
      connection.peer.message(text)
    })
  }

  function post(connectionId: string, text: string): Promise<PostOutcome> {
    countPost('the API')
    if (text.length > messageCharacters) report.break('H16', `a post had ${text.length} characters`)
    const connection = connections.get(connectionId)
    if (connection?.state !== 'open') return Promise.resolve({ status: 'gone' })
    if (plan.strikes('F2')) {
      expectations.lost(connectionId) // the line cannot know better
      return Promise.resolve({ status: 'gone' })
    }
    if (plan.strikes('F3') || isQuotaUsedUp()) return Promise.resolve({ status: 'throttled' })
    checkAuthority(connection, text)
    const push = () => {
      options.onPush?.(connectionId, text)
      sendDown(connection, text)
      if (plan.strikes('F8')) sendDown(connection, text)
    }
    const broken = plan.strikes('F4')
    if (broken !== undefined) {
      if (broken.chance(0.5)) push()
      return Promise.resolve({ status: 'failed', unknown: true, reason: 'simulated 5xx' })
    }
    if (plan.strikes('F6')) return new Promise(() => {})
    const hanging = plan.strikes('F5')
    if (hanging !== undefined)
      return new Promise((resolve) => {
        kernel.after(hanging.between(500, 9_000), 'hung post', () => {
          push()
          resolve({ status: 'posted' })
        })
      })
    if (plan.strikes('F1') === undefined) push()
    return Promise.resolve({ status: 'posted' })
  }

  /** The quota is shared by the account: while other users exhaust it, no post of this line passes. */
  function isQuotaUsedUp(): boolean {
    const strike = plan.strikes('F18')
    if (strike !== undefined) quotaUsedUntil = kernel.now + strike.between(200, 4_000)
    return kernel.now < quotaUsedUntil
  }

  function checkAuthority(connection: Connection, text: string): void {
    const late = kernel.now - connection.authorityEnds - authoritySlackMs
    if (late > 0 && text.includes('"type":"data","id"'))
      report.break('H12', `${connection.connectionId} was pushed an event ${late} ms after its authority ended`)
  }

  return {
    connect,
    adopt,
    dropAll() {
      for (const connection of [...connections.values()]) drop(connection)
    },
    post,
    connections,
    async disconnect(connectionId) {
      const connection = connections.get(connectionId)
      if (connection !== undefined) drop(connection)
      return 'closed'
    },
  }
}

function readToken(offer: string): string {
  return Buffer.from(offer.slice('token.'.length), 'base64url').toString()
}

/** The names of the generators that a frame subscribes to. */
function generatorsOf(body: string): readonly string[] {
  if (!body.includes('"subscription"')) return []
  const frames: unknown = JSON.parse(body)
  return (Array.isArray(frames) ? frames : [frames]).flatMap((frame: SubscribeFrame) => {
    const name = frame.method === 'subscription' ? frame.params?.input?.name : undefined
    return name === undefined ? [] : [name]
  })
}
interface SubscribeFrame {
  readonly method?: string
  readonly params?: { readonly input?: { readonly name?: string } }
}
