import type { SubscriptionPath } from './history.ts'

/** A response about a subscription's position in its log that reached the device. */
export interface SubscriptionResponse {
  readonly device: string
  readonly path: SubscriptionPath
  readonly room: string
  readonly at: number
}

/** Records which subscriptions received a response, and when: what a client could know of its log. */
export interface SubscriptionResponses {
  /** Called for a frame that left a device. */
  requested(connection: Requester, frame: unknown): void
  /** Called with the frames of a message that reached a device. */
  answered(connection: Requester, frames: readonly AnswerFrame[]): void
  readonly all: readonly SubscriptionResponse[]
}

interface Requester {
  readonly device: string
}

interface Frame {
  readonly id?: unknown
  readonly method?: string
  readonly params?: {
    readonly path?: SubscriptionPath
    readonly input?: { readonly room?: string }
    readonly ref?: number
    readonly subscriptions?: readonly { readonly id: unknown }[]
  }
}

/** The part of an answer that is read. */
interface AnswerFrame {
  readonly id?: unknown
  readonly result?: { readonly type?: string; readonly ref?: number }
}

type About = Pick<SubscriptionResponse, 'device' | 'path' | 'room'>

/**
 * Creates an empty record. A response counts only for the last request of its subscription, because a client awaits no
 * other.
 */
export function createSubscriptionResponses(now: () => number): SubscriptionResponses {
  const subscriptions = new Map<string, About>()
  /** By device and id: the ref of the last subscribe, or the id of the last sync. */
  const awaited = new Map<string, unknown>()
  const all: SubscriptionResponse[] = []
  const nameOf = (device: string, id: unknown) => `${device} ${JSON.stringify(id)}`

  function answered(device: string, id: unknown, by: unknown): void {
    const name = nameOf(device, id)
    const about = subscriptions.get(name)
    if (about === undefined || awaited.get(name) !== by) return
    awaited.delete(name)
    all.push({ ...about, at: now() })
  }

  return {
    all,
    requested({ device }, frame) {
      const { id, method, params = {} } = frame as Frame
      if (method === 'subscription') {
        const { path, input, ref } = params
        if (path === undefined || input?.room === undefined) return
        subscriptions.set(nameOf(device, id), { device, path, room: input.room })
        awaited.set(nameOf(device, id), ref)
      }
      if (method === 'sync') for (const each of params.subscriptions ?? []) awaited.set(nameOf(device, each.id), id)
    },
    answered({ device }, frames) {
      for (const { id, result } of frames) {
        if (result?.type === 'started') answered(device, id, result.ref)
        if (result?.type === 'synced') for (const sync of frames) answered(device, id, sync.id)
      }
    },
  }
}
