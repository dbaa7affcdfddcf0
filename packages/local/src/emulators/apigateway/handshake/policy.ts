/**
 * Whether a policy document allows `execute-api:Invoke` on `methodArn`: at least one statement allows it and none
 * denies it. Undefined when it is not a policy.
 */
export function isAllowed(policyDocument: unknown, methodArn: string): boolean | undefined {
  const statement = read(policyDocument, 'Statement')
  if (statement === undefined) return undefined
  const matching = toArray(statement).filter((entry) => matches(entry, methodArn))
  const effects = matching.map((entry) => read(entry, 'Effect'))
  return effects.includes('Allow') && !effects.includes('Deny')
}

function matches(statement: unknown, methodArn: string): boolean {
  const some = (key: string, text: string) => toArray(read(statement, key)).some((pattern) => fits(pattern, text))
  return some('Action', 'execute-api:Invoke') && some('Resource', methodArn)
}

/**
 * `*` matches any characters including slashes, and `?` matches one: `dev/*` matches `dev/$connect`, `dev/*\/*` does
 * not.
 */
function fits(pattern: unknown, text: string): boolean {
  if (typeof pattern !== 'string') return false
  const source = pattern
    .replace(/\*+/g, '*')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(text)
}

function read(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function toArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value]
}
