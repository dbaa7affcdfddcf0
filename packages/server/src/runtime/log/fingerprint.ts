import type { EventSchema } from '../../define/topic.ts'
import { sha256 } from '../../ports/sha256.ts'

const fingerprints = new WeakMap<EventSchema, string | undefined>()

/**
 * A fingerprint of what a schema declares, in 16 characters. It is the same for equal schemas in every process and
 * build, and differs where a member, a type, a check or its bounds differ. Functions keep no name in a bundle, so the
 * content of a `refine`, a `transform` or a default is not included; neither are the values of defaults, which an event
 * holds itself. Undefined for a schema that cannot be described.
 */
export function fingerprintOf(schema: EventSchema): string | undefined {
  if (!fingerprints.has(schema)) fingerprints.set(schema, describeSafely(schema))
  return fingerprints.get(schema)
}

function describeSafely(schema: EventSchema): string | undefined {
  try {
    return sha256(describe(schema, [])).toString('base64url').slice(0, 16)
  } catch {
    return undefined // a getter of the schema threw, or its nesting has no end; its events are parsed at each read
  }
}

/**
 * Describes a schema, a check or a value as text. `above` holds the enclosing schemas; a recursive one is described by
 * its distance.
 */
function describe(value: unknown, above: readonly unknown[]): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null)
    return typeof value === 'string' ? JSON.stringify(value) : String(value)
  if (value instanceof RegExp || value instanceof Date) return String(value)
  if (Array.isArray(value)) return `[${value.map((each) => describe(each, above)).join()}]`
  if (value instanceof Set || value instanceof Map) return describe([...value], above)
  if (!isDefined(value)) return describeMembers(value, above)
  const distance = above.indexOf(value)
  return distance >= 0 ? `^${distance}` : describeMembers(value._zod.def, [value, ...above])
}

/** The members sorted by name, so that their order in the source does not matter. */
function describeMembers(definition: object, above: readonly unknown[]): string {
  const members = Object.keys(definition)
    .filter((name) => !name.startsWith('_') && !skippedMembers.has(name) && !isPatternOfFormat(definition, name))
    .sort()
    .flatMap((name) => {
      const value = memberOf(definition, name)
      return value === undefined ? [] : [`${JSON.stringify(name)}:${describe(value, above)}`]
    })
  return `{${members.join()}}`
}

/** Members that are not read; reading a default would run its function. */
const skippedMembers: ReadonlySet<string> = new Set(['defaultValue', 'error', 'abort'])

/** A member; undefined for a function, except for the getter of a `lazy`, which returns a schema. */
function memberOf(definition: object, name: string): unknown {
  const value: unknown = Reflect.get(definition, name)
  if (typeof value !== 'function') return value
  return name === 'getter' ? (value as () => unknown)() : undefined
}

/** The pattern of a named format comes from the library and changes with its version. */
function isPatternOfFormat(definition: object, name: string): boolean {
  return name === 'pattern' && 'format' in definition && definition.format !== 'regex'
}

function isDefined(value: object): value is { readonly _zod: { readonly def: object } } {
  return '_zod' in value
}
