/** Header or query fields as an event contains them: once with the last value, once with all values. */
export interface EventFields {
  readonly single: Readonly<Record<string, string>>
  readonly multi: Readonly<Record<string, readonly string[]>>
}

/**
 * The headers of a request as an event contains them: names as they were sent, in alphabetical order, equal names
 * (ignoring case) merged. `omit` lists lower-case names to leave out; `add` lists headers that the gateway adds or
 * overrides.
 */
export function toEventHeaders(
  rawHeaders: readonly string[],
  { omit = [], add = {} }: { readonly omit?: readonly string[]; readonly add?: Readonly<Record<string, string>> } = {},
): EventFields {
  const fields = new Map<string, { readonly name: string; values: string[] }>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    const known = fields.get(name.toLowerCase())
    if (known) known.values.push(value)
    else if (!omit.includes(name.toLowerCase())) fields.set(name.toLowerCase(), { name, values: [value] })
  }
  for (const [name, value] of Object.entries(add)) fields.set(name.toLowerCase(), { name, values: [value] })
  const sorted = [...fields].sort(([a], [b]) => (a < b ? -1 : 1))
  return toFields(sorted.map(([, field]) => [field.name, field.values]))
}

/** The decoded query of a request's target (`/dev?a=1&a=2`). Undefined when there is none. */
export function toEventQuery(target: string): EventFields | undefined {
  const start = target.indexOf('?')
  const query = new URLSearchParams(start < 0 ? '' : target.slice(start + 1))
  const names = [...new Set(query.keys())]
  return names.length === 0 ? undefined : toFields(names.map((name) => [name, query.getAll(name)]))
}

/** The value of a header. The name is matched without regard to case. */
export function findHeader(fields: EventFields, name: string): string | undefined {
  const found = Object.entries(fields.single).find(([key]) => key.toLowerCase() === name.toLowerCase())
  return found?.[1]
}

// `fromEntries` defines own properties, so a header named `__proto__` is safe
function toFields(entries: readonly (readonly [string, readonly string[]])[]): EventFields {
  return {
    single: Object.fromEntries(entries.map(([name, values]) => [name, values.at(-1) ?? ''])),
    multi: Object.fromEntries(entries),
  }
}
