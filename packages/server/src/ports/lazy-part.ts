/**
 * A part of the server in a chunk of its own. The init of a function reads the code of the entry: a part is read by the
 * events that need it.
 */
export interface LazyPart<T> {
  /** The part, after it was loaded. Where it is set, a caller does not wait. */
  readonly loaded: T | undefined
  /** Loads the part once. Rejects if its file cannot be read; the next call tries again. */
  load(): Promise<T>
}

const declared = new Map<LazyPart<unknown>, ReadonlySet<string>>()

/** Declares a part, and the functions that need it for each event. */
export function lazyPart<T>(functions: readonly string[], importPart: () => Promise<T>): LazyPart<T> {
  let loaded: T | undefined
  const part = {
    get loaded() {
      return loaded
    },
    async load() {
      loaded ??= await importPart()
      return loaded
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
