import { hashText, mix } from './random.ts'

/** Virtual time that only events move. Everything in a schedule is an event of this one queue. */
export interface Kernel {
  /** Virtual epoch milliseconds. */
  readonly now: number
  /** The number of events that have run. */
  readonly events: number
  /** A hash of the history so far. Equal histories have equal hashes. */
  readonly hash: string
  /** Calls `fn` after `ms`. Returns a function that cancels it. */
  after(ms: number, label: string, fn: () => void): () => void
  /** Adds a line to the history. */
  note(text: string): void
  /**
   * Advances virtual time by `ms` and runs the events that fall due. All promise reactions run before the next event.
   */
  run(ms: number): Promise<void>
  /** Runs until no event is left. Throws when that takes longer than `ms`. */
  runToEnd(ms: number): Promise<void>
}

export interface KernelOptions {
  readonly start?: number
  /** Called for each line of the history. */
  readonly trace?: ((line: string) => void) | undefined
  /** The maximum number of events. More of them mean that some loop never ends. */
  readonly longest?: number
}

interface Entry {
  readonly at: number
  readonly serial: number
  readonly label: string
  fn: (() => void) | undefined
}

/** Creates a kernel. */
export function createKernel({ start = 1_800_000_000_000, trace, longest = 400_000 }: KernelOptions = {}): Kernel {
  const heap: Entry[] = []
  let now = start
  let serial = 0
  let events = 0
  let [left, right] = [0x811c9dc5, 0x1234567]

  const note = (text: string) => {
    const hash = hashText(text)
    left = mix(left ^ Math.floor(now - start), hash)
    right = (Math.imul(right, 31) + mix(hash, left)) >>> 0
    trace?.(`${((now - start) / 1_000).toFixed(3)} ${text}`)
  }

  function happen(entry: Entry): void {
    now = Math.max(now, entry.at)
    events += 1
    if (events > longest)
      throw new Error(`Expected at most ${longest} events. A loop does not end; the last event was ${entry.label}.`)
    note(entry.label)
    const { fn } = entry
    entry.fn = undefined
    fn?.()
  }

  async function runUntil(end: number): Promise<void> {
    await drained() // work that was started between two runs
    for (let first = heap[0]; first !== undefined && first.at <= end; first = heap[0]) {
      pop(heap)
      if (first.fn === undefined) continue
      happen(first)
      await drained()
    }
  }

  return {
    get now() {
      return now
    },
    get events() {
      return events
    },
    get hash() {
      return `${hex(left)}${hex(right)}`
    },
    note,
    after(ms, label, fn) {
      const entry: Entry = { at: now + Math.max(0, ms), serial: serial++, label, fn }
      push(heap, entry)
      return () => {
        entry.fn = undefined
      }
    },
    async run(ms) {
      const end = now + ms
      await runUntil(end)
      now = end
    },
    async runToEnd(ms) {
      await runUntil(now + ms)
      const left = heap.find(({ fn }) => fn !== undefined)
      if (left !== undefined) throw new Error(`Expected no events after ${ms} ms, got ${left.label}.`)
    },
  }
}

/**
 * Resolves when all ready promise reactions, including those that they make ready, have run: Node runs a tick only when
 * no microtask is left.
 */
const drained = () => new Promise<void>((resolve) => process.nextTick(resolve))

const hex = (value: number) => (value >>> 0).toString(16).padStart(8, '0')
const isBefore = (one: Entry, other: Entry) => one.at < other.at || (one.at === other.at && one.serial < other.serial)

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent] as Entry
    if (!isBefore(entry, above)) break
    heap[at] = above
    at = parent
  }
  heap[at] = entry
}

function pop(heap: Entry[]): void {
  const entry = heap.pop()
  if (entry === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1
    if (!isBefore(heap[child] as Entry, entry)) break
    heap[at] = heap[child] as Entry
    at = child
  }
  heap[at] = entry
}
