import type { EventSchema } from '../../define/topic.ts'
import { isComputedDefault } from './computed-default.ts'

/**
 * Which side of a schema parses a stored event: the input, as a publish does, or the output, as a publish has stored
 * it.
 */
export type Side = 'input' | 'output'

const readers: Readonly<Record<Side, WeakMap<EventSchema, EventSchema>>> = {
  input: new WeakMap(),
  output: new WeakMap(),
}

/**
 * A channel's schema, as a reader applies it to an event of another schema. A default that is a function is not
 * applied: an event without that member fails to parse instead of having a different value at each read. The `output`
 * side also leaves out transforms and codecs, because their results were stored.
 */
export function readerSchemaOf(schema: EventSchema, side: Side): EventSchema {
  return rewriteOf(schema, side)
}

type Definition = Readonly<Record<string, unknown>> & { readonly type: string; readonly checks?: readonly unknown[] }

const definitionOf = (schema: EventSchema) => schema._zod.def as unknown as Definition // zod types `def` without the members of its kinds

function rewriteOf(schema: EventSchema, side: Side): EventSchema {
  const known = readers[side].get(schema)
  if (known !== undefined) return known
  const definition = definitionOf(schema)
  const made = isReplaced(definition) ? withoutDefault(definition, side) : rebuilt(schema, membersFor(definition, side))
  readers[side].set(schema, made)
  return made
}

function isReplaced(definition: Definition): boolean {
  return (definition.type === 'default' || definition.type === 'prefault') && isComputedDefault(definition)
}

/** The inner schema, with the checks of the default. */
function withoutDefault({ innerType, checks = [] }: Definition, side: Side): EventSchema {
  const inner = rewriteOf(innerType as EventSchema, side)
  return checks.length === 0 ? inner : rebuilt(inner, { checks: [...(definitionOf(inner).checks ?? []), ...checks] })
}

/**
 * A schema of the same class with some members of its definition replaced. Runs no getter: the getter of a default
 * computes its value, and the getter of a shape may refer to a schema that is not initialised yet.
 */
function rebuilt(schema: EventSchema, members: object | undefined): EventSchema {
  if (members === undefined) return schema
  const descriptors = Object.getOwnPropertyDescriptors(definitionOf(schema) as object)
  // A lazy schema's original result.
  const { _cachedInner: _, ...kept } = descriptors as Record<string, PropertyDescriptor>
  const definition = Object.defineProperties({}, { ...kept, ...Object.getOwnPropertyDescriptors(members) })
  return new (schema._zod.constr as new (definition: object) => EventSchema)(definition)
}

const unchanged = <T>(value: T): T => value

/** Fails for a missing member, because the result of a transform for it is unknown. */
function unchangedIfPresent(
  value: unknown,
  context: { readonly issues: unknown[]; readonly value?: unknown },
): unknown {
  if (value === undefined) context.issues.push({ code: 'custom', message: 'Required', input: value, continue: false })
  return value
}

/** The members of a definition that hold schemas, rewritten; undefined for a schema that holds none. */
function membersFor(definition: Definition, side: Side): object | undefined {
  const each = (schema: unknown) => rewriteOf(schema as EventSchema, side)
  const maybe = (schema: unknown) => (schema === undefined || schema === null ? schema : each(schema))
  switch (definition.type) {
    case 'object':
      return { shape: lazyShape(definition['shape'] as object, side), catchall: maybe(definition['catchall']) }
    case 'array':
      return { element: each(definition['element']) }
    case 'tuple':
      return { items: (definition['items'] as unknown[]).map(each), rest: maybe(definition['rest']) }
    case 'record':
      return { keyType: definition['keyType'], valueType: each(definition['valueType']) }
    case 'union':
      return { options: (definition['options'] as unknown[]).map(each) }
    case 'intersection':
      return { left: each(definition['left']), right: each(definition['right']) }
    case 'lazy':
      return { getter: () => each((definition['getter'] as () => unknown)()) }
    case 'pipe':
      return pipeMembers(definition, side)
    case 'transform':
      return side === 'output' ? { transform: unchangedIfPresent } : undefined
    default:
      return 'innerType' in definition ? { innerType: each(definition['innerType']) } : undefined
  }
}

/** The output side of a pipe is its end. It is used for both halves, since parsing begins with the first one. */
function pipeMembers(definition: Definition, side: Side): object {
  const out = rewriteOf(definition['out'] as EventSchema, side)
  if (side === 'output') return { in: out, out, ...('transform' in definition && { transform: unchanged }) }
  return { in: rewriteOf(definition['in'] as EventSchema, side), out }
}

/** Each member is rewritten when it is first read, since a recursive member refers to the object itself. */
function lazyShape(shape: object, side: Side): object {
  const names = Object.keys(shape)
  const getters = names.map((name) => [
    name,
    { get: () => rewriteOf(Reflect.get(shape, name) as EventSchema, side), enumerable: true, configurable: true },
  ])
  return Object.defineProperties({}, Object.fromEntries(getters) as PropertyDescriptorMap)
}
