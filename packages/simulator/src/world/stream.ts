import type { Slot } from '../../../server/src/ports/store.ts'
import type { FaultPlan } from '../kernel/fault-plan.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Random } from '../kernel/random.ts'
import type { Functions } from './functions/functions.ts'

/** The table's stream and its event source mapping: batches, retries, bisection, at-least-once delivery. */
export interface TableStream {
  add(topic: string, slot: Slot): void
  addMember(topic: string, member: string): void
  /** The number of pending records. */
  readonly waiting: number
  /** Drops all records: a restored table has a new stream. */
  reset(): void
}

interface StreamRecord {
  readonly sequence: string
  readonly record: object
}

const batchMost = 8
const triesMost = 8

/** Creates a stream whose batches invoke `tableStream`. */
export function createTableStream(options: {
  readonly kernel: Kernel
  readonly plan: FaultPlan
  readonly random: Random
  readonly functions: () => Functions
}): TableStream {
  const { kernel, plan, random } = options
  let sequence = 0
  let waiting = 0
  let generation = 0
  let pending: StreamRecord[] = []
  let isPolling = false

  function add(topic: string, slot: Slot): void {
    if (slot.own === true) return // the filters of the event source mapping leave it out
    push((number) => toRecord(topic, slot, number))
  }
  function addMember(topic: string, member: string): void {
    push((number) => toMemberRecord(topic, member, number))
  }
  function push(toObject: (sequence: string) => object): void {
    if (plan.strikes('F40')) return
    sequence += 1
    waiting += 1
    const record = { sequence: String(sequence), record: toObject(String(sequence)) }
    const late = plan.strikes('F38')?.between(500, 90_000) ?? plan.strikes('F37')?.between(50, 2_000)
    const own = generation
    if (late !== undefined) return void kernel.after(late, 'late record', () => batchUp([record], 1, own))
    pending.push(record)
    if (isPolling) return
    isPolling = true
    kernel.after(random.between(20, 250), 'poll', () => {
      isPolling = false
      const batch = pending
      pending = []
      for (let at = 0; at < batch.length; at += batchMost) batchUp(batch.slice(at, at + batchMost), 1, generation)
    })
  }

  function batchUp(batch: readonly StreamRecord[], attempt: number, own: number): void {
    if (own !== generation) return
    const event = { Records: batch.map(({ record }) => record) }
    const again = (failed: readonly StreamRecord[]) => {
      if (own !== generation) return
      waiting -= batch.length - failed.length
      if (failed.length === 0) return
      if (attempt >= triesMost) {
        waiting -= failed.length // they go to the on-failure queue
        return
      }
      const half = Math.ceil(failed.length / 2)
      kernel.after(random.between(200, 2_000), 'batch again', () => {
        batchUp(failed.slice(0, half), attempt + 1, own)
        if (half < failed.length) batchUp(failed.slice(half), attempt + 1, own)
      })
    }
    options.functions().invoke('tableStream', event, {
      failed: () => again(batch),
      returned: (value) => {
        const { batchItemFailures } = value as { readonly batchItemFailures: readonly { itemIdentifier: string }[] }
        const names = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier))
        const first = batch.findIndex((each) => names.has(each.sequence) || plan.strikes('F39') !== undefined)
        again(first === -1 ? [] : batch.slice(first)) // the mapping continues from the first failed record
      },
    })
    if (plan.strikes('F36')) options.functions().invoke('tableStream', event, { failed: () => {}, returned: () => {} })
  }

  return {
    add,
    addMember,
    reset() {
      generation += 1
      waiting = 0
      pending = []
    },
    get waiting() {
      return waiting
    },
  }
}

function toMemberRecord(topic: string, member: string, sequence: string): object {
  const image = { pk: { S: `PRES#${topic}` }, sk: { S: `M#${member}` }, pending: { BOOL: true } }
  return { eventName: 'MODIFY', dynamodb: { NewImage: image, SequenceNumber: sequence } }
}

function toRecord(topic: string, slot: Slot, sequence: string): object {
  const numbers = { time: slot.time, expires: slot.expires, inline: slot.inline }
  const texts = {
    ...{ pk: `LOG#${topic}`, sk: String(slot.offset).padStart(16, '0') },
    ...{ epoch: slot.epoch, publishId: slot.publishId, data: slot.data, state: slot.state },
  }
  const image: Record<string, object> = {}
  for (const [name, value] of Object.entries(numbers)) if (value !== undefined) image[name] = { N: String(value) }
  for (const [name, value] of Object.entries(texts)) if (value !== undefined) image[name] = { S: value }
  return { eventName: 'INSERT', dynamodb: { NewImage: image, SequenceNumber: sequence } }
}
