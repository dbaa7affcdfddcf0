/**
 * A part of the server in a chunk of its own. The init of a function reads the code of the entry: a part is read by the
 * events that need it.
 */
export interface LazyPart<T> {
  /** The part, after it was loaded. Where it is set, a caller does not wait. */
  readonly loaded: T | undefined
  /**
   * Loads the part once. Callers who wait go on in the order in which they called. Rejects with a `PartError` if its
   * file cannot be read; the next call tries again, which Node refuses where it has found the file but not read it.
   */
  load(): Promise<T>
}

/** The code of a part could not be read, so nothing of it has run. */
export class PartError extends Error {
  override readonly name = 'PartError'
  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`Expected to read a file of the function: ${why}. Deploy all files of the bundle.`, { cause })
  }
}

const declared = new Map<LazyPart<unknown>, ReadonlySet<string>>()

/** Declares a part, and the functions that need it for each event: `preload` loads it in these. */
export function lazyPart<T>(functions: readonly string[], importPart: () => Promise<T>): LazyPart<T> {
  let loaded: T | undefined
  let loading: Promise<T> | undefined
  const read = async () => {
    try {
      loaded = await importPart()
      return loaded
    } catch (cause) {
      loading = undefined
      throw new PartError(cause)
    }
  }
  const part = {
    get loaded() {
      return loaded
    },
    load() {
      loading ??= read()
      return loading
    },
  }
  declared.set(part, new Set(functions))
  return part
}

/** Calls `fn` with a part: at once if it is loaded, so that only the first call waits. */
export function withPart<T, R>(part: LazyPart<T>, fn: (loaded: T) => R | Promise<R>): R | Promise<R> {
  return part.loaded === undefined ? part.load().then(fn) : fn(part.loaded)
}

/** Loads the parts that a function needs for each event, or all parts. Rejects if a file cannot be read. */
export async function loadParts(functionName?: string): Promise<void> {
  const parts = [...declared].filter(([, functions]) => functionName === undefined || functions.has(functionName))
  await Promise.all(parts.map(([part]) => part.load()))
}
