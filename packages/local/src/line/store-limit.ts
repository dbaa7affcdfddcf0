/** Bounds the requests of a process to its tables. */
export interface StoreLimit {
  /** Wraps the store for one invocation, whose requests share a slot. */
  ofInvocation<T extends object>(store: T): T
  /** Wraps the store for a script: each request takes a slot of its own. */
  ofScript<T extends object>(store: T): T
}

const turnsKept = 3 // of the event loop: what a handler does between two requests that follow one another
const longestMs = 1_000 // by the machine's time: a request that hangs must not hold up the others

/**
 * Lets at most `most` invocations and scripts send requests at once. The functions of `startLocalLine` and its table
 * share one event loop: were the requests of a thousand invocations sent at once, each would wait for the others until
 * its own timeout. An invocation waits before a request is sent, in order of arrival, and keeps its slot while its
 * requests follow one another, so that a read and the conditional write after it meet few competitors. While it waits
 * for anything else, it holds no slot.
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

/** The limit of all lines of this process: they share its event loop, which answers four no later than more. */
export const storeLimit = createStoreLimit(4)

interface Slots {
  /** Resolves when there is one, in order of arrival. */
  acquire(): Promise<void>
  release(): void
}

function createSlots(most: number): Slots {
  const waiting: (() => void)[] = []
  let taken = 0
  return {
    async acquire() {
      if (taken >= most) return new Promise((resolve) => waiting.push(resolve))
      taken += 1
    },
    release() {
      const next = waiting.shift()
      if (next === undefined) taken -= 1
      else next() // the slot is handed over
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
  function giveUp(): void {
    if (!held) return
    held = false
    slots.release()
  }
  function giveUpLater(turns: number, since: number): void {
    setImmediate(() => {
      if (running > 0 || requests !== since) return
      if (turns > 1) giveUpLater(turns - 1, since)
      else giveUp()
    })
  }
  return async (request) => {
    running += 1
    requests += 1
    if (!held) acquiring ??= hold()
    await acquiring
    const hangs = setTimeout(giveUp, longestMs)
    try {
      return await request()
    } finally {
      clearTimeout(hangs)
      running -= 1
      if (running === 0) giveUpLater(turnsKept, requests)
    }
  }
}

function limitStore<T extends object>(store: T, holderOf: () => Holder): T {
  return new Proxy(store, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function') return method
      return (...given: readonly unknown[]) => holderOf()(() => Reflect.apply(method, target, given))
    },
  })
}
