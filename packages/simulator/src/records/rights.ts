import type { Kernel } from '../kernel/kernel.ts'
import type { Report } from '../kernel/report.ts'
import { guardedRooms, roomsOf } from './application.ts'

/** The time after which nothing of a lost right is sent, and the latency of a port call. */
const lateMs = 5_000 + 250

interface Frame {
  readonly id?: unknown
  readonly method?: string
  readonly params?: { readonly token?: unknown; readonly input?: { readonly room?: string } }
  readonly result?: { readonly type?: string; readonly id?: string }
}

/** Rights that the server has acknowledged, by `$connect` or by the answer to an `auth`. */
interface Acknowledged {
  readonly at: number
  readonly rooms: readonly string[]
}

/** Watches the rights of connections: which token the server has acknowledged, and what it sends under it. */
export interface Rights {
  /** A connection was opened with this token. */
  connected(connectionId: string, token: string): void
  /** A frame has left a device. */
  requested(connectionId: string, frame: unknown): void
  /** A function sends a message to a device, by a post or as the answer of a route. */
  sent(connectionId: string, text: string): void
}

/** Creates an empty record. It reports H18. */
export function createRights({
  kernel,
  report,
  claimsOf,
}: {
  readonly kernel: Kernel
  readonly report: Report
  /** The claims in the table of a connection, as JSON text. */
  readonly claimsOf: (connectionId: string) => string | undefined
}): Rights {
  /** By connection and id: the room of a subscription, and the rooms of an `auth`. */
  const subscribed = new Map<string, string>()
  const requested = new Map<string, readonly string[]>()
  const acknowledged = new Map<string, Acknowledged[]>()
  /** By connection and room: when the table last had the right while an event was sent. */
  const held = new Map<string, number>()
  const nameOf = (connectionId: string, id: unknown) => `${connectionId} ${JSON.stringify(id)}`
  const acknowledge = (connectionId: string, rooms: readonly string[]) => {
    const known = acknowledged.get(connectionId) ?? []
    acknowledged.set(connectionId, [...known, { at: kernel.now, rooms }])
  }

  /** Since when each acknowledged token has lacked a room; undefined where the last one has it. */
  function lostAt(connectionId: string, room: string): number | undefined {
    // An accepted token whose answer was lost may have given the right again.
    const heldAt = held.get(nameOf(connectionId, room)) ?? 0
    const known = (acknowledged.get(connectionId) ?? []).filter(({ at }) => at >= heldAt)
    const lastWith = known.findLastIndex(({ rooms }) => rooms.includes(room))
    return known[lastWith + 1]?.at
  }

  /** Of two tokens that race, the one whose claims are in the table is in force, whichever was acknowledged last. */
  function isInForce(connectionId: string, room: string): boolean {
    const claims = claimsOf(connectionId) ?? 'null'
    return (JSON.parse(claims) as { readonly rooms: readonly string[] } | null)?.rooms.includes(room) === true
  }

  function checkEvent(connectionId: string, id: unknown): void {
    const room = subscribed.get(nameOf(connectionId, id))
    if (room === undefined) return
    if (isInForce(connectionId, room)) return void held.set(nameOf(connectionId, room), kernel.now)
    const since = lostAt(connectionId, room)
    if (since !== undefined && kernel.now > since + lateMs)
      report.break(
        'H18',
        `${connectionId} was sent an event of ${room} ${kernel.now - since} ms after it lost the right`,
      )
  }

  return {
    connected(connectionId, token) {
      const rooms = roomsOf(token)
      if (rooms !== undefined) acknowledge(connectionId, rooms)
    },
    requested(connectionId, frame) {
      const { id, method, params: { token, input } = {} } = frame as Frame
      const room = guardedRooms.find((each) => each === input?.room)
      if (method === 'subscription' && room !== undefined) subscribed.set(nameOf(connectionId, id), room)
      const rooms = method === 'auth' ? roomsOf(String(token)) : undefined
      if (rooms !== undefined) requested.set(nameOf(connectionId, id), rooms)
    },
    sent(connectionId, text) {
      if (!acknowledged.has(connectionId) || !text.includes('"result"')) return
      for (const { id, result } of [JSON.parse(text) as Frame | readonly Frame[]].flat()) {
        const rooms = requested.get(nameOf(connectionId, id))
        if (result?.type === 'authorized' && rooms !== undefined) acknowledge(connectionId, rooms)
        if (result?.type === 'data' && result.id !== undefined) checkEvent(connectionId, id)
      }
    },
  }
}
