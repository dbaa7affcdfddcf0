/**
 * The names and values that these expressions mention: `#x` is the attribute x, and `:x` is `values.x`. `attributes`
 * has the name of an attribute that is not a word, under the word that the expression has for it. Every attribute has a
 * placeholder, because many names (`ref`, `on`, `state`, `time`, `data`) are reserved words. DynamoDB rejects a
 * placeholder that is declared and not mentioned.
 */
export function attributesOf(
  expressions: readonly (string | undefined)[],
  values: Readonly<Record<string, unknown>>,
  attributes: Readonly<Record<string, string>> = {},
): { ExpressionAttributeNames?: Record<string, string>; ExpressionAttributeValues?: Record<string, unknown> } {
  const mentioned = expressions.join(' ').match(/[#:]\w+/g) ?? []
  const names = mentioned
    .filter((word) => word.startsWith('#'))
    .map((word) => [word, attributes[word.slice(1)] ?? word.slice(1)])
  const bound = mentioned.filter((word) => word.startsWith(':')).map((word) => [word, values[word.slice(1)]])
  return {
    ...(names.length > 0 && { ExpressionAttributeNames: Object.fromEntries(names) }),
    ...(bound.length > 0 && { ExpressionAttributeValues: Object.fromEntries(bound) }),
  }
}
