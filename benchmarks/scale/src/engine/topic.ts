import type { PostPacer } from '../../../../packages/server/src/runtime/posting/post-pacer.ts'
import { createModelPacer, deliver } from './delivery.ts'
import type { ModelGateway } from './gateway.ts'
import type { Simulation } from './kernel.ts'
import { lineDefaults, type ServiceTimes } from './service-times.ts'

/** A topic whose audience is delivered to by the function `deliver`, one job at a time for each shard. */
export interface TopicOptions {
  readonly times: ServiceTimes
  /** The rows of each shard now. */
  readonly shards: () => readonly number[]
  /** The account's rate. Each shard has its part of it. */
  readonly accountRate: number
  /** The head of the log, up to which a job that begins delivers. @default the last offset that was announced */
  readonly head?: () => number
  readonly concurrency?: number
  /** Called when each row of a shard has got the events up to `offset`. */
  readonly onDelivered?: (shard: number, offset: number) => void
}

/** What the deliveries of a topic used. */
export interface TopicCounts {
  /** Invocations of `deliver`. */
  readonly invocations: number
  /** Milliseconds of all of them. */
  readonly functionMs: number
  /** Events in all messages together. */
  readonly eventsInMessages: number
  /** Messages as API Gateway bills them, in steps of 32 KB. */
  readonly billedMessages: number
  readonly sweeps: number
}

const eventBytes = 200 // of one event in a message
const billedBytes = 32_768

const leaseRequests = 5 // three reads and two writes
const noteRequests = 3 // a job that finds the lease held: two reads and a write

/** The deliveries of one topic. `announce(offset)` is a job for each shard. */
export function createTopic(sim: Simulation, gateway: ModelGateway, options: TopicOptions) {
  const { times, shards, accountRate, head, concurrency = lineDefaults.maxConcurrentPosts, onDelivered } = options
  const states: { covered: number; requested: number; isHeld: boolean; pacer: PostPacer | undefined }[] = []
  const counts = { invocations: 0, functionMs: 0, eventsInMessages: 0, billedMessages: 0, sweeps: 0 }

  function stateOf(shard: number) {
    states[shard] ??= { covered: 0, requested: 0, isHeld: false, pacer: undefined }
    return states[shard]
  }
  function sweep(shard: number): void {
    const state = stateOf(shard)
    const sizes = shards()
    const startedAt = sim.now()
    const upTo = Math.min(head?.() ?? state.requested, state.covered + lineDefaults.leaseSlots)
    const events = upTo - state.covered
    state.pacer ??= createModelPacer(sim, accountRate)
    state.pacer.limit(accountRate / sizes.length)
    const rows = sizes[shard] ?? 0
    counts.sweeps += 1
    const pages = Math.max(1, Math.ceil((rows * lineDefaults.rowBytes) / 1_000_000))
    sim.after((leaseRequests + pages) * times.tableMs, () =>
      deliver(sim, gateway, {
        ...{ rows, concurrency, pacer: state.pacer as PostPacer },
        done() {
          counts.functionMs += sim.now() - startedAt
          counts.eventsInMessages += events * rows
          counts.billedMessages += rows * Math.ceil((events * eventBytes) / billedBytes)
          state.covered = upTo
          onDelivered?.(shard, upTo)
          if (state.requested > upTo) sweep(shard)
          else state.isHeld = false
        },
      }),
    )
  }
  return {
    counts: (): TopicCounts => ({ ...counts }),
    /** Invokes `deliver` for each shard, for the events up to `offset`. */
    announce(offset: number): void {
      for (let shard = 0; shard < shards().length; shard++) {
        counts.invocations += 1
        sim.after(times.invokeMs, () => {
          const state = stateOf(shard)
          state.requested = Math.max(state.requested, offset)
          if (state.covered >= offset || state.isHeld) {
            counts.functionMs += noteRequests * times.tableMs
            return
          }
          state.isHeld = true
          sweep(shard)
        })
      }
    },
  }
}
