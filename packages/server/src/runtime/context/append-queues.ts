import type { Clock } from '../../ports/clock.ts'
import type { Slot } from '../../ports/log.ts'
import { type Deadline, withinDeadline } from './deadline.ts'

/** The newest slots of a log that an append has seen: ascending, without a hole. Empty for an empty log. */
export type Tail = readonly Slot[]

const tailSlots = 64

/** `tail` with a slot that was put after it, or that a conflict returned. */
export function growTail(tail: Tail, slot: Slot): Tail {
  return tail.at(-1)?.offset === slot.offset - 1 ? [...tail.slice(1 - tailSlots), slot] : [slot]
}

/** Delivers slots of one topic, ascending. Never rejects. */
export type DeliverSlots = (slots: readonly Slot[]) => Promise<void>

/** The result of one append. */
export interface Appended {
  readonly slot: Slot
  /** False when an earlier attempt had put the slot. */
  readonly put: boolean
  /** Up to the head that this append has seen: the next append continues there. Undefined if it has not seen the head. */
  readonly tail: Tail | undefined
  /** Absent when this function does not deliver the slot. */
  readonly deliver?: DeliverSlots | undefined
}

/** Appends one event. Without `tail` it must read the log. */
export type AppendWork = (tail: Tail | undefined) => Promise<Appended>

/**
 * The appends of one function's invocation. Appends to one topic run one after another, each from the head that the one
 * before has seen, so they never race each other and the log is read once [LAW-BACK-OFF].
 */
export interface AppendQueues {
  /**
   * Runs `work` when the earlier appends to the topic have ended. Rejects when the deadline passes, and the next append
   * does not wait for it then. An append that fails does not fail the next one. `delivered` resolves when the slot was
   * delivered, together with other slots of the queue.
   */
  run(
    topic: string,
    work: AppendWork,
    deadline: Deadline | undefined,
  ): Promise<Pick<Appended, 'slot' | 'put'> & { readonly delivered: Promise<void> }>
}

/** Slots that are delivered together. */
interface Group {
  readonly slots: Slot[]
  /** The `deliver` of the append with the latest deadline. */
  deliver: DeliverSlots
  until: number
  readonly delivered: Promise<void>
  start(): void
}

interface Queue {
  /** Resolves when the last append has ended: with what it saw, or undefined if that is unknown. */
  last: Promise<Tail | undefined>
  length: number
  group: Group | undefined
}

const groupSlots = 16
/** How long a slot may wait for other slots to be delivered with it. */
const groupMs = 50

/** The queues of one invocation, without any append. */
export function createAppendQueues(clock: Clock): AppendQueues {
  const queues = new Map<string, Queue>()
  return {
    run(topic, work, deadline) {
      const queue = queues.get(topic) ?? { last: Promise.resolve(undefined), length: 0, group: undefined }
      queues.set(topic, queue)
      queue.length += 1
      const ended = createResolver<Tail | undefined>()
      const before = queue.last
      queue.last = ended.promise
      const run = async () => {
        let seen = await before
        try {
          deadline?.signal.throwIfAborted()
          const known = seen
          seen = undefined
          const { tail, slot, put, deliver } = await orDeadline(deadline, work(known))
          seen = tail
          const delivered = deliver === undefined ? undefined : addToGroup(clock, queue, { slot, deliver, deadline })
          return { slot, put, delivered: delivered ?? Promise.resolve() }
        } finally {
          queue.length -= 1
          if (queue.length === 0) queues.delete(topic)
          if (queue.length === 0 || (queue.group?.slots.length ?? 0) >= groupSlots) startGroup(queue)
          ended.resolve(seen)
        }
      }
      return orDeadline(deadline, run())
    },
  }
}

function orDeadline<T>(deadline: Deadline | undefined, promise: Promise<T>): Promise<T> {
  return deadline === undefined ? promise : withinDeadline(deadline, promise)
}

/** Resolves when the slot's group was delivered. */
function addToGroup(
  clock: Clock,
  queue: Queue,
  { slot, deliver, deadline }: { slot: Slot; deliver: DeliverSlots; deadline: Deadline | undefined },
): Promise<void> {
  const until = deadline?.at ?? Number.POSITIVE_INFINITY
  const group = queue.group ?? createGroup(clock, queue, deliver)
  queue.group = group
  group.slots.push(slot)
  if (until > group.until) [group.until, group.deliver] = [until, deliver]
  return group.delivered
}

function createGroup(clock: Clock, queue: Queue, deliver: DeliverSlots): Group {
  const { promise, resolve } = createResolver<void>()
  const started = new AbortController()
  const group: Group = {
    slots: [],
    deliver,
    until: 0,
    delivered: promise,
    start() {
      started.abort(null)
      resolve(group.deliver([...group.slots].sort((a, b) => a.offset - b.offset)))
    },
  }
  if (queue.length > 1)
    void clock.sleep(groupMs, started.signal).then(() => {
      if (queue.group === group) startGroup(queue)
    })
  return group
}

function startGroup(queue: Queue): void {
  const { group } = queue
  queue.group = undefined
  group?.start()
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function createResolver<T>() {
  let resolve: (value: T | Promise<T>) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
