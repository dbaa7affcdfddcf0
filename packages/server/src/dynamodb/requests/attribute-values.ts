/** A value in the format of DynamoDB's API and streams, of the types that our rows use. */
export interface AttributeValueLike {
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
