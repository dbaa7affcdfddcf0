/**
 * The names and values that these expressions mention: `#x` stands for the attribute x, `:x` for `values.x`.
 * An attribute whose name is no such word stands in `attributes`, under the word that stands for it.
 * Every attribute goes by such a name, since many of ours (`ref`, `on`, `state`, `time`, `data`) are reserved words. DynamoDB refuses what is declared and not mentioned.
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
