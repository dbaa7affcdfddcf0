/** A value as DynamoDB's API and its streams write it: the types that our rows use. */
export interface AttributeValueLike {
  readonly S?: string | undefined
  readonly N?: string | undefined
  readonly BOOL?: boolean | undefined
  readonly NULL?: boolean | undefined
  readonly M?: Readonly<Record<string, AttributeValueLike>> | undefined
}

/** An item as plain values. The document client does not do it for the item inside a failed condition's error, nor does a stream. */
export function fromAttributeValues(image: Readonly<Record<string, AttributeValueLike>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, fromAttributeValue(value)]))
}

function fromAttributeValue({ S, N, BOOL, M }: AttributeValueLike): unknown {
  if (N !== undefined) return Number(N)
  if (M !== undefined) return fromAttributeValues(M)
  return S ?? BOOL ?? null
}
