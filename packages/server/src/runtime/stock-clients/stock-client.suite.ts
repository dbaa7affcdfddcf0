import { parseCursor } from '@trunkline/protocol'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { PostOutcome } from '../../ports/gateway.ts'
import type { Scheduler } from '../explore.suite.ts'
import type { Room } from '../subscriptions/room.suite.ts'

/** Whether a post whose answer is lost had arrived. */
export type LostPost = 'arrived' | 'vanished'

interface StockClientOptions {
  readonly lostPost: LostPost
  readonly path?: string
  /** Mutants: a post of unknown fate is made again, or taken for made. */
  readonly onUnknown?: 'repost' | 'skip' | undefined
}

/**
 * tRPC's own client as far as [LAW-STOCK-ORDER] needs it: it takes frames in the order in which they arrive, drops
 * none, and resumes with the id of the last data frame on a new socket when the old one is closed. What it saw is the
 * application's view.
 */
export interface StockClient {
  /** Offsets of the events that the application saw, in that order. */
  readonly seen: number[]
  /** An error has ended the subscription. */
  readonly hasEnded: () => boolean
  /** How often its connection was deleted. */
  readonly cuts: () => number
  readonly hasStarted: () => boolean
  subscribe(): Promise<void>
  /** Connects anew if its socket was closed, and subscribes again. */
  comeBack(): Promise<void>
}

interface Frame {
  readonly id?: unknown
  readonly error?: unknown
  readonly result?: { readonly type: string; readonly id?: string }
}

/**
 * Joins a client to a room whose posts to it, and whose cuts, are scheduling points with an answer that may be lost.
 */
export async function createStockClient(
  room: Room,
  scheduler: Scheduler,
  { lostPost, path = 'live', onUnknown }: StockClientOptions,
): Promise<StockClient> {
  const seen: number[] = []
  let ended = false
  let lastEventId: string | undefined
  let started = false
  let cuts = 0
  let client: TestClient = await room.connect({ stock: true })
  const sockets = new Set([client.connectionId])
  const isOpen = (id: string) => sockets.has(id)

  function take({ id, error, result }: Frame): void {
    if (id !== 7 || ended) return
    ended = error !== undefined
    if (result?.type === 'started') started = true
    if (result?.type !== 'data') return
    lastEventId = result.id // one without erases it [S wsLink]
    seen.push(parseCursor(result.id ?? '')?.offset ?? Number.NaN)
  }
  const { gateway } = room
  const { post, disconnect } = gateway
  const own = new Set(sockets)
  async function postOnce(connectionId: string, text: string): Promise<PostOutcome> {
    const fate = await scheduler.at('post', { rows: [`POST#${connectionId}`], writes: true }, { mayBeLost: true })
    const unknown = { status: 'failed', unknown: true, reason: 'no answer' } as const
    if (fate === 'lost' && lostPost === 'vanished') return unknown
    if (!isOpen(connectionId)) return fate === 'lost' ? unknown : { status: 'gone' }
    take(JSON.parse(text) as Frame)
    return fate === 'lost' ? unknown : { status: 'posted' }
  }
  Object.assign(gateway, {
    async post(connectionId: string, text: string, options?: object) {
      if (!own.has(connectionId)) return post.call(gateway, connectionId, text, options)
      const outcome = await postOnce(connectionId, text)
      if (outcome.status !== 'failed' || onUnknown === undefined) return outcome
      return onUnknown === 'repost' ? postOnce(connectionId, text) : { status: 'posted' }
    },
    async disconnect(connectionId: string, options?: object) {
      if (!own.has(connectionId)) return disconnect.call(gateway, connectionId, options)
      const fate = await scheduler.at('cut', { rows: [`POST#${connectionId}`], writes: true }, { mayBeLost: true })
      cuts += sockets.delete(connectionId) ? 1 : 0
      return fate === 'lost' ? 'failed' : 'closed'
    },
  })
  const subscribe = async () => {
    const cursor = lastEventId === undefined ? {} : { lastEventId }
    await client.send({ id: 7, method: 'subscription', params: { path, input: { room: 'x' }, ...cursor } })
  }
  return {
    seen,
    hasEnded: () => ended,
    cuts: () => cuts,
    hasStarted: () => started,
    subscribe,
    async comeBack() {
      if (isOpen(client.connectionId) || ended) return
      await client.disconnect()
      client = await room.connect({ stock: true })
      sockets.add(client.connectionId)
      own.add(client.connectionId)
      started = false
      await subscribe()
    },
  }
}
