import { parsePartitionPath } from '@trunkline/protocol'

/**
 * Maps frames to procedure paths. It remembers the paths of subscriptions until they stop, and of the last calls,
 * because a push carries only an id.
 */
export interface FramePaths {
  ofFrame(connectionId: string, text: string): readonly (string | undefined)[]
  ofPush(connectionId: string, text: string): readonly (string | undefined)[]
  /** Removes the paths of an ended connection. */
  remove(connectionId: string): void
}

interface FrameLike {
  readonly id?: unknown
  readonly method?: unknown
  readonly params?: { readonly path?: unknown; readonly part?: unknown; readonly text?: unknown } | null
}

const callsKept = 1_000 // per connection: a response arrives long before this many calls have followed
const connectionsKept = 10_000

/** The paths of one connection, by id. */
interface Named {
  /** Active subscriptions. */
  readonly subscriptions: Map<unknown, string>
  /** The newest calls and stopped subscriptions. */
  readonly recent: Map<unknown, string>
}

export function createFramePaths(): FramePaths {
  const known = new Map<string, Named>()
  const pathOf = (own: Named | undefined, id: unknown) => own?.subscriptions.get(id) ?? own?.recent.get(id)
  function namedBy(connectionId: string): Named {
    const own = known.get(connectionId) ?? { subscriptions: new Map(), recent: new Map() }
    if (!known.has(connectionId)) add(known, [connectionId, own], connectionsKept)
    return own
  }
  return {
    ofFrame(connectionId, text) {
      return elementsOf(text).map(({ id, method, params }) => {
        const given = params?.part === 0 ? pathInside(params.text) : params?.path
        const path = typeof given === 'string' ? parsePartitionPath(given).path : undefined
        if (path === undefined) {
          const own = known.get(connectionId)
          const stopped = method === 'subscription.stop' ? own?.subscriptions.get(id) : undefined
          if (own === undefined || stopped === undefined) return pathOf(own, id)
          own.subscriptions.delete(id)
          add(own.recent, [id, stopped], callsKept)
          return stopped
        }
        const own = namedBy(connectionId)
        if (method === 'subscription') own.subscriptions.set(id, path)
        else add(own.recent, [id, path], callsKept)
        return path
      })
    },
    ofPush: (connectionId, text) => elementsOf(text).map(({ id }) => pathOf(known.get(connectionId), id)),
    remove: (connectionId) => void known.delete(connectionId),
  }
}

/** Adds an entry as the newest, and drops the oldest beyond `most`. */
function add<K, V>(entries: Map<K, V>, [key, value]: readonly [K, V], most: number): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size <= most) return
  const [oldest] = entries.keys()
  if (oldest !== undefined) entries.delete(oldest)
}

/** The path of the frame that a first chunk begins. Later chunks are matched by id. */
function pathInside(text: unknown): string | undefined {
  const [, path] = /^\{"id":[^{]*"params":\{"path":("(?:[^"\\]|\\.)*")/.exec(String(text)) ?? []
  return path === undefined ? undefined : (JSON.parse(path) as string)
}

function elementsOf(text: string): readonly FrameLike[] {
  try {
    const value: unknown = JSON.parse(text)
    const elements: readonly unknown[] = Array.isArray(value) ? value : [value]
    return elements.filter((element): element is FrameLike => typeof element === 'object' && element !== null)
  } catch {
    return [] // invalid JSON has no procedure
  }
}
