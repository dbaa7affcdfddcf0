/** Which procedures a text of the wire belongs to. Remembers the paths of subscriptions, whose pushes name only an id. */
export interface PathLedger {
  ofFrame(connectionId: string, text: string): readonly (string | undefined)[]
  ofPush(connectionId: string, text: string): readonly (string | undefined)[]
  forget(connectionId: string): void
}

interface FrameLike {
  readonly id?: unknown
  readonly params?: { readonly path?: unknown; readonly part?: unknown; readonly text?: unknown } | null
}

export function createPathLedger(): PathLedger {
  const known = new Map<string, Map<unknown, string>>()
  return {
    ofFrame(connectionId, text) {
      const own = known.get(connectionId) ?? new Map<unknown, string>()
      known.set(connectionId, own)
      return elementsOf(text).map(({ id, params }) => {
        const path = params?.part === 0 ? pathInside(params.text) : params?.path
        if (typeof path !== 'string') return own.get(id)
        own.set(id, path)
        return path
      })
    },
    ofPush: (connectionId, text) => elementsOf(text).map(({ id }) => known.get(connectionId)?.get(id)),
    forget: (connectionId) => void known.delete(connectionId),
  }
}

/** The path of the frame that a first chunk begins; the later ones are known by its id. */
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
    return [] // hostile text belongs to no procedure
  }
}
