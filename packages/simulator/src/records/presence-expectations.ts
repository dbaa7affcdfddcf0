import { presenceTimes } from './application.ts'

/** A session's presence that the server has confirmed. From then on the checker expects it. */
export interface PresenceExpectation {
  readonly room: string
  readonly connectionId: string
  /** When the server responded, and the earliest end of the session's lease at that time. */
  readonly from: number
  until: number
}

/**
 * Records which sessions the server has confirmed as present, and how long they must not be shown as gone: from the
 * response to a subscribe or a sync, for the lease, or for the grace period after the connection's end (rule H13).
 */
export interface PresenceExpectations {
  /** Called for a frame that left a device. */
  requested(connection: Requester, frame: unknown): void
  /** Called with the frames of a message that reached a device. */
  answered(connection: Requester, frames: readonly AnswerFrame[]): void
  /** Called when the server may have learned that the connection is gone. */
  lost(connectionId: string): void
  /** Whether at least one session of these devices must not be shown as gone from a room at this instant. */
  expectsPresent(devices: ReadonlySet<string>, room: string, at: number): boolean
}

interface Requester {
  readonly connectionId: string
  readonly device: string
}

interface Frame {
  readonly id?: unknown
  readonly method?: string
  readonly params?: {
    readonly path?: string
    readonly input?: { readonly room?: string }
    readonly ref?: number
    readonly subscriptions?: readonly { readonly id: unknown; readonly ref: number }[]
  }
}

/** The part of an answer that is read. */
interface AnswerFrame {
  readonly id?: unknown
  readonly result?: { readonly type?: string; readonly ref?: number }
}

const clocksMs = 11_000 // two functions' clocks differ by at most 10 s
const { graceMs, leaseMs } = presenceTimes

/** Creates an empty record. */
export function createPresenceExpectations(now: () => number): PresenceExpectations {
  const requests = new Map<string, number>()
  const rooms = new Map<string, string>()
  const expectations = new Map<string, PresenceExpectation[]>()
  const ends = new Map<string, number>()
  const newest = new Map<string, string>()
  const all = (device: string, id: unknown) => {
    const key = `${device} ${JSON.stringify(id)}`
    const own = expectations.get(key) ?? []
    expectations.set(key, own)
    return own
  }
  /** Ends earlier expectations: a newer attempt may join and leave again. */
  const close = (device: string, id: unknown) => {
    for (const expectation of all(device, id)) expectation.until = Math.min(expectation.until, now())
  }
  const noteRequest = (key: string) => requests.set(key, requests.get(key) ?? now())

  function requested({ connectionId, device }: Requester, frame: unknown): void {
    const { id, method, params = {} } = (frame ?? {}) as Frame
    if (method === 'subscription' && params.path === 'joined') {
      rooms.set(`${device} ${JSON.stringify(id)}`, params.input?.room ?? '')
      noteRequest(`${connectionId} ${JSON.stringify(id)} ${params.ref}`)
      newest.set(`${device} ${JSON.stringify(id)}`, connectionId)
      close(device, id)
    }
    if (method === 'subscription.stop') {
      newest.delete(`${device} ${JSON.stringify(id)}`)
      close(device, id)
    }
    if (method === 'sync')
      for (const each of rooms.size > 0 ? (params.subscriptions ?? []) : [])
        noteRequest(`${connectionId} ${JSON.stringify(id)} ${JSON.stringify(each.id)}`)
  }

  function answered({ connectionId, device }: Requester, frames: readonly AnswerFrame[]): void {
    if (rooms.size === 0) return
    for (const { id, result } of frames) {
      const room = rooms.get(`${device} ${JSON.stringify(id)}`)
      if (room === undefined) continue
      const expect = (key: string, ms: number) => {
        const at = requests.get(`${connectionId} ${JSON.stringify(id)} ${key}`)
        if (at !== undefined) add(device, id, { room, connectionId, from: now(), until: at + ms - clocksMs })
      }
      if (result?.type === 'started') expect(String(result.ref), leaseMs)
      if (result?.type !== 'synced') continue
      for (const each of frames) {
        const at = requests.get(`${connectionId} ${JSON.stringify(each.id)} ${JSON.stringify(id)}`)
        const until = (at ?? 0) + leaseMs * 0.75 - clocksMs // a lease is renewed after a quarter of its time
        if (at !== undefined) add(device, id, { room, connectionId, from: now(), until })
      }
    }
  }

  function add(device: string, id: unknown, expectation: PresenceExpectation): void {
    // a late response to an older attempt
    if (newest.get(`${device} ${JSON.stringify(id)}`) !== expectation.connectionId) return
    const end = ends.get(expectation.connectionId)
    const until = end === undefined ? expectation.until : Math.min(expectation.until, end + graceMs - clocksMs)
    if (until > expectation.from) all(device, id).push({ ...expectation, until })
  }

  return {
    requested,
    answered,
    lost(connectionId) {
      if (ends.has(connectionId)) return
      ends.set(connectionId, now())
      for (const expectation of [...expectations.values()].flat())
        if (expectation.connectionId === connectionId)
          expectation.until = Math.min(expectation.until, now() + graceMs - clocksMs)
    },
    expectsPresent: (devices, room, at) =>
      [...expectations].some(
        ([key, own]) =>
          devices.has(key.slice(0, key.indexOf(' '))) &&
          own.some((expectation) => expectation.room === room && expectation.from <= at && at < expectation.until),
      ),
  }
}
