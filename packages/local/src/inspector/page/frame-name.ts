/** The name of a frame in the log. */
export interface FrameName {
  /** The method of a client's frame, or the kind of a response: `data`, `started`, `stopped`, `error`. */
  readonly type: string
  /** The procedure, if it is known. */
  readonly path: string
}

interface FrameLike {
  readonly id?: unknown
  readonly method?: unknown
  readonly params?: { readonly path?: unknown } | null
  readonly result?: { readonly type?: unknown } | null
  readonly error?: unknown
}

/** Names frames in their order of arrival: a response contains only the id of its call. */
export function createFrameNames(): (connectionId: string, text: string) => FrameName {
  const paths = new Map<string, string>()
  return (connectionId, text) => {
    const frames = parse(text)
    const names = frames.map((frame) => nameOf(frame, `${connectionId} ${JSON.stringify(frame.id)}`, paths))
    const [first = nameOfCut(text)] = names
    return names.length > 1 ? { ...first, type: `${first.type} × ${names.length}` } : first
  }
}

function nameOf(frame: FrameLike, call: string, paths: Map<string, string>): FrameName {
  const { path } = frame.params ?? {}
  if (typeof path === 'string') paths.set(call, path)
  return { type: typeOf(frame), path: paths.get(call) ?? '' }
}

function typeOf({ method, result, error, ...rest }: FrameLike): string {
  if (typeof method === 'string') return method
  if (error !== undefined) return 'error'
  if (result !== undefined) return typeof result?.type === 'string' ? result.type : 'data'
  return 'pong' in rest ? 'pong' : 'message' in rest ? 'error' : '?'
}

/** Reads the beginning of a truncated text. */
function nameOfCut(text: string): FrameName {
  const find = (name: string) => new RegExp(`"${name}"\\s*:\\s*"([^"\\\\]*)"`).exec(text)?.[1]
  return { type: find('method') ?? find('type') ?? '?', path: find('path') ?? '' }
}

function parse(text: string): readonly FrameLike[] {
  try {
    const value: unknown = JSON.parse(text)
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    return values.filter((one): one is FrameLike => typeof one === 'object' && one !== null)
  } catch {
    return []
  }
}
