/** Limits the concurrent requests of a process to its tables. */
export interface StoreLimit {
  /** Wraps the store for one invocation, whose requests share one slot. */
  ofInvocation<T extends object>(store: T): T
  /** Wraps the store for a script. Each request uses its own slot. */
  ofScript<T extends object>(store: T): T
}

const iterationsKept = 3 // event-loop iterations that a handler may spend between two consecutive requests
const longestMs = 1_000 // machine time: a request that hangs must not block the others

/**
 * Lets at most `most` invocations and scripts send requests at the same time. The functions of `startLocalLine` and its
 * table share one event loop: if a thousand invocations sent their requests at once, each would wait for the others
 * until it timed out. An invocation waits for a slot before it sends a request, in order of arrival. It keeps the slot
 * while its requests follow one another, so that a read and the conditional write after it meet few competitors. It
 * holds no slot while it waits for anything else.
 */
export function createStoreLimit(most: number): StoreLimit {
  const slots = createSlots(most)
  return {
    ofInvocation(store) {
      const holder = createHolder(slots)
      return limitStore(store, () => holder)
    },
    ofScript: (store) => limitStore(store, () => createHolder(slots)),
  }
}

/** The limit for all lines of this process. They share its event loop, which is no faster with more than four. */
export const storeLimit = createStoreLimit(4)

interface Slots {
  /** Resolves when a slot is free, in order of arrival. */
  acquire(): Promise<void>
  release(): void
}

function createSlots(most: number): Slots {
  const waiting: (() => void)[] = []
  let used = 0
  return {
    async acquire() {
      if (used >= most) return new Promise((resolve) => waiting.push(resolve))
      used += 1
    },
    release() {
      const next = waiting.shift()
      if (next === undefined) used -= 1
      else next() // passes the slot to the next waiter
    },
  }
}

/** Runs the requests of one invocation, which share one slot. */
type Holder = (request: () => unknown) => Promise<unknown>

function createHolder(slots: Slots): Holder {
  let held = false
  let acquiring: Promise<void> | undefined
  let running = 0
  let requests = 0

  async function hold(): Promise<void> {
    await slots.acquire()
    held = true
    acquiring = undefined
  }
  function releaseSlot(): void {
    if (!held) return
    held = false
    slots.release()
  }
  function releaseWhenIdle(iterations: number, since: number): void {
    setImmediate(() => {
      if (running > 0 || requests !== since) return
      if (iterations > 1) releaseWhenIdle(iterations - 1, since)
      else releaseSlot()
    })
  }
  return async (request) => {
    running += 1
    requests += 1
    if (!held) acquiring ??= hold()
    await acquiring
    const hangs = setTimeout(releaseSlot, longestMs)
    try {
      return await request()
    } finally {
      clearTimeout(hangs)
      running -= 1
      if (running === 0) releaseWhenIdle(iterationsKept, requests)
    }
  }
}

function limitStore<T extends object>(store: T, holderOf: () => Holder): T {
  return new Proxy(store, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function') return method
      return (...args: readonly unknown[]) => holderOf()(() => Reflect.apply(method, target, args))
    },
  })
}
