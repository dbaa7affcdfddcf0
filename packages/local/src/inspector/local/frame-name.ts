import { defined } from '@trunkline/protocol'
import { createFramePaths } from '../../faults/frame-paths.ts'

/** What a frame is about. */
export interface FrameName {
  /** The method of a client's frame, or the kind of a response: `data`, `started`, `stopped`, `error`. */
  readonly type: string
  /** The procedure; empty if it is not known. */
  readonly path: string
  /** The code of the first error. */
  readonly code?: string
  /** The ids of the calls, as JSON text. */
  readonly ids: readonly string[]
}

/** Names frames in their order of arrival: a response has only the id of its call. */
export interface FrameNames {
  name(direction: 'in' | 'out', connectionId: string, text: string): FrameName
  /** Removes what is remembered of an ended connection. */
  remove(connectionId: string): void
}

interface FrameLike {
  readonly id?: unknown
  readonly method?: unknown
  readonly result?: { readonly type?: unknown } | null
  readonly error?: unknown
  readonly line?: { readonly code?: unknown } | null
}

export function createFrameNames(): FrameNames {
  const paths = createFramePaths()
  return {
    name(direction, connectionId, text) {
      const frames = parseFrames(text)
      const known = direction === 'in' ? paths.ofFrame(connectionId, text) : paths.ofPush(connectionId, text)
      const [first] = frames
      const type = first === undefined ? '?' : typeOf(first)
      const code = frames.map(codeOf).find((found) => found !== undefined)
      return {
        type: frames.length > 1 ? `${type} × ${frames.length}` : type,
        path: known.find((path) => path !== undefined) ?? '',
        ids: idsOf(frames),
        ...defined({ code }),
      }
    },
    remove: paths.remove,
  }
}

/** The frames of a message, which is one frame or an array. None for a text that is no JSON. */
export function parseFrames(text: string): readonly FrameLike[] {
  try {
    const value: unknown = JSON.parse(text)
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    return values.filter((one): one is FrameLike => typeof one === 'object' && one !== null)
  } catch {
    return []
  }
}

/** The ids of frames as JSON text. */
export function idsOf(frames: readonly FrameLike[]): readonly string[] {
  const ids = frames.flatMap(({ id }) => (typeof id === 'string' || typeof id === 'number' ? [JSON.stringify(id)] : []))
  return [...new Set(ids)]
}

/**
 * The code of an error frame: Trunkline's, else tRPC's, else the number of JSON-RPC. A transformer may nest the error's
 * shape in `json`.
 */
export function codeOf({ error, line }: FrameLike): string | undefined {
  if (error === undefined) return undefined
  const shape = member(error, 'json') ?? error
  const code = line?.code ?? member(member(shape, 'data'), 'code') ?? member(shape, 'code')
  return typeof code === 'string' || typeof code === 'number' ? String(code) : 'error'
}

function typeOf({ method, result, error, ...rest }: FrameLike): string {
  if (typeof method === 'string') return method
  if (error !== undefined) return 'error'
  if (result !== undefined) return typeof result?.type === 'string' ? result.type : 'data'
  return 'pong' in rest ? 'pong' : 'message' in rest ? 'error' : '?'
}

/** The member of a value; undefined of a value that is no object. */
export function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
