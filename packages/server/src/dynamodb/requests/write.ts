import type { Item } from './items.ts'
import type { Key } from './keys.ts'

/** The result of a conditional write. `item` is the one that an update returns; otherwise it is empty. */
export type Write = { readonly written: true; readonly item: Item } | FailedCondition

/** The condition failed, and nothing was written. */
export interface FailedCondition {
  readonly written: false
  /**
   * How often the request was sent. After several tries, an earlier one may have written the item that failed the
   * condition.
   */
  readonly tries: number
  /**
   * The item that failed the condition. Throws if none exists: an absent item meets the condition, so TTL deleted it
   * meanwhile.
   */
  existing(): Promise<Item>
  /** The item that failed the condition; undefined if none exists. */
  find(): Promise<Item | undefined>
}

interface ConditionError extends Error {
  readonly Item?: Readonly<Record<string, AttributeValueLike>>
  readonly $metadata?: { readonly attempts?: number }
}

/** Whether the request succeeded and its condition failed. */
export function isConditionFailure(error: unknown): error is ConditionError {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException'
}

/**
 * The error of a failed condition contains the item. Some emulators leave it out: then `read` gets it, only when
 * needed.
 */
export function toFailedCondition(
  { Item: returned, $metadata }: ConditionError,
  { pk, sk }: Key,
  read: () => Promise<Item | undefined>,
): FailedCondition {
  const what = `The item ${pk} / ${sk} failed a condition and`
  async function find(): Promise<Item | undefined> {
    if (returned !== undefined) return fromAttributeValues(returned)
    // The read's own error is only the cause: whether its tries were sent says nothing about the write.
    return read().catch((cause: unknown) => {
      throw new Error(`${what} could not be read.`, { cause })
    })
  }
  async function existing(): Promise<Item> {
    const item = await find()
    if (item === undefined) throw new Error(`${what} was gone when it was read.`)
    return item
  }
  return { written: false, tries: $metadata?.attempts ?? 1, find, existing }
}

/** A value in the format of DynamoDB's API and streams, of the types that our rows use. */
interface AttributeValueLike {
  readonly S?: string | undefined
  readonly N?: string | undefined
  readonly BOOL?: boolean | undefined
  readonly NULL?: boolean | undefined
  readonly M?: Readonly<Record<string, AttributeValueLike>> | undefined
}

/**
 * An item in plain values. The document client does not convert the item in the error of a failed condition, and
 * records of a stream are not converted either.
 */
export function fromAttributeValues(image: Readonly<Record<string, AttributeValueLike>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, fromAttributeValue(value)]))
}

function fromAttributeValue({ S, N, BOOL, M }: AttributeValueLike): unknown {
  if (N !== undefined) return Number(N)
  if (M !== undefined) return fromAttributeValues(M)
  return S ?? BOOL ?? null
}
