import type { TestClient } from '../../lambda/test-line.suite.ts'
import { createModelClient, type ModelClient } from './model-client.suite.ts'

/**
 * A client that mends what a dead function left undone, as ours does: it subscribes again under a higher ref, and
 * fetches what it misses.
 */
export interface RepairingClient {
  readonly client: TestClient
  readonly model: ModelClient
  /** The ref of its latest subscribe. */
  readonly ref: () => number
  /** Sends a subscribe with its position, under the next ref. */
  subscribe(): Promise<void>
  stop(): Promise<void>
  /**
   * One sync of its subscription: what it has missed, or a new subscribe where it is not live any more
   * [LAW-SYNC-HEADS].
   */
  sync(): Promise<void>
}

interface Answer {
  readonly id?: unknown
  readonly line?: { readonly code: string }
}

const subscription = 7

/** `earlier` is what the same session knew on another connection. */
export function createRepairingClient(
  client: TestClient,
  path = 'live',
  earlier: ModelClient = createModelClient(),
): RepairingClient {
  const model = earlier
  let ref = 0
  let taken = 0
  const isPlaced = () => !model.cursor().startsWith('undefined')

  function takePosted(): void {
    const frames = client.frames()
    model.take(frames.slice(taken))
    taken = frames.length
  }
  async function subscribe(): Promise<void> {
    ref += 1
    const cursor = isPlaced() ? { lastEventId: model.cursor() } : {}
    const params = { path, input: { room: 'x' }, ref, ...cursor }
    await client.send({ id: subscription, method: 'subscription', params })
    takePosted()
  }
  return {
    client,
    model,
    ref: () => ref,
    subscribe,
    stop: async () => void (await client.send({ id: subscription, method: 'subscription.stop', params: { ref } })),
    async sync() {
      takePosted()
      if (!isPlaced()) return subscribe() // nothing has started: its call was never answered
      const asked = [{ id: subscription, ref, from: model.cursor() }]
      const answer = await client.send({ id: 's', method: 'sync', params: { subscriptions: asked } })
      const frames = (Array.isArray(answer) ? answer : [answer]) as readonly Answer[]
      if (frames.some(({ id, line }) => id === subscription && line?.code === 'CONNECTION_LOST')) return subscribe()
      model.take(frames)
    },
  }
}
