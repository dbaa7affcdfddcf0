import { type AttributeValueLike, fromAttributeValues } from './attribute-values.ts'
import type { Item } from './items.ts'
import type { Key } from './keys.ts'

/** What a conditional write came to; `item` is the new one, of an update that asked for it. */
export type Write = { readonly written: true; readonly item: Item } | Refusal

/** The condition failed. */
export interface Refusal {
  readonly written: false
  /** After several tries the item that failed it may be the work of an earlier one, its answer lost. */
  readonly tries: number
  /** The item that failed it. Throws when none stands: of a condition that an absent item meets, only TTL brings that about. */
  standing(): Promise<Item>
  /** The same; undefined when none stands. */
  find(): Promise<Item | undefined>
}

interface ConditionFailure extends Error {
  readonly Item?: Readonly<Record<string, AttributeValueLike>>
  readonly $metadata?: { readonly attempts?: number }
}

/** Whether a condition failed, rather than the request. */
export function isConditionFailure(error: unknown): error is ConditionFailure {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException'
}

/** The error of a failed condition brings the item; where an emulator does not know that, `read` gets it, and only if it is asked for. */
export function toRefusal(
  { Item: brought, $metadata }: ConditionFailure,
  { pk, sk }: Key,
  read: () => Promise<Item | undefined>,
): Refusal {
  const what = `The item ${pk} / ${sk} failed a condition and`
  async function find(): Promise<Item | undefined> {
    if (brought !== undefined) return fromAttributeValues(brought)
    // Not the read's own error: what that says of its tries says nothing of the write's.
    return read().catch((cause: unknown) => {
      throw new Error(`${what} could not be read.`, { cause })
    })
  }
  async function standing(): Promise<Item> {
    const item = await find()
    if (item === undefined) throw new Error(`${what} was gone when it was read.`)
    return item
  }
  return { written: false, tries: $metadata?.attempts ?? 1, find, standing }
}
