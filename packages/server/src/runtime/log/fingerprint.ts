import { createHash } from 'node:crypto'
import type { EventSchema } from '../../define/topic.ts'

const fingerprints = new WeakMap<EventSchema, string | undefined>()

/**
 * Names what a schema declares, in 16 characters: the same for equal schemas in every process and build, another where
 * a member, a type, a check or its bounds differ.
 * Functions have no name that a bundler keeps, so what is inside a `refine`, a `transform` or a default is not part of
 * it; neither are the values of defaults, which an event
 * holds itself. Undefined for a schema that cannot be described.
 */
export function fingerprintOf(schema: EventSchema): string | undefined {
  if (!fingerprints.has(schema)) fingerprints.set(schema, describeSafely(schema))
  return fingerprints.get(schema)
}

function describeSafely(schema: EventSchema): string | undefined {
  try {
    return createHash('sha256').update(describe(schema, [])).digest('base64url').slice(0, 16)
  } catch {
    return undefined // a getter of a schema threw, or it is nested without end: its events are parsed at each read
  }
}

/**
 * Text for a schema, a check, or a value in their definitions. `above` are the schemas around it: a recursive one is
 * named by how far above it is.
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

/** Members in the order of their names: the order in which they are written says nothing. */
function describeMembers(definition: object, above: readonly unknown[]): string {
  const members = Object.keys(definition)
    .filter((name) => !name.startsWith('_') && !passedOver.has(name) && !isPatternOfFormat(definition, name))
    .sort()
    .flatMap((name) => {
      const value = memberOf(definition, name)
      return value === undefined ? [] : [`${JSON.stringify(name)}:${describe(value, above)}`]
    })
  return `{${members.join()}}`
}

/** Not read: a default that is a function would run. */
const passedOver: ReadonlySet<string> = new Set(['defaultValue', 'error', 'abort'])

/** A member; undefined for a function, but for that of a `lazy`, which returns a schema. */
function memberOf(definition: object, name: string): unknown {
  const value: unknown = Reflect.get(definition, name)
  if (typeof value !== 'function') return value
  return name === 'getter' ? (value as () => unknown)() : undefined
}

/** The expression of a named format is the library's, and changes with its version. */
function isPatternOfFormat(definition: object, name: string): boolean {
  return name === 'pattern' && 'format' in definition && definition.format !== 'regex'
}

function isDefined(value: object): value is { readonly _zod: { readonly def: object } } {
  return '_zod' in value
}
