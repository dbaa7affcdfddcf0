/** A value that changes, and those who follow it. Svelte reads it as `$store`. */
export interface Store<T> {
  get(): T
  /** Calls `run` with the value now and after each change. Returns a function that ends it. */
  subscribe(run: (value: T) => void): () => void
}

/** A store that the page changes. */
export interface Writable<T> extends Store<T> {
  update(change: (value: T) => T): void
}

export function createStore<T>(first: T): Writable<T> {
  let value = first
  const followers = new Set<(value: T) => void>()
  return {
    get: () => value,
    subscribe(run) {
      followers.add(run)
      run(value)
      return () => void followers.delete(run)
    },
    update(change) {
      value = change(value)
      for (const run of followers) run(value)
    },
  }
}
