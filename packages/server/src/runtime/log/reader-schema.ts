import type { EventSchema } from '../../define/topic.ts'
import { isComputedDefault } from './computed-default.ts'

/** What a stored event is parsed by: as it would be published now, or as what a publish has left behind. */
export type Side = 'input' | 'output'

const readers: Readonly<Record<Side, WeakMap<EventSchema, EventSchema>>> = {
  input: new WeakMap(),
  output: new WeakMap(),
}

/**
 * A channel's schema as a reader applies it to an event of another schema: a default that is a function is not applied,
 * so that an event without that member does not fit, rather
 * than have another value at each read. The `output` side also leaves transforms and codecs out: what they made is what
 * was stored.
 */
export function readerSchemaOf(schema: EventSchema, side: Side): EventSchema {
  return rewriteOf(schema, side)
}

type Definition = Readonly<Record<string, unknown>> & { readonly type: string; readonly checks?: readonly unknown[] }

const definitionOf = (schema: EventSchema) => schema._zod.def as unknown as Definition

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

/** The schema inside, with the checks that stood on the default. */
function withoutDefault({ innerType, checks = [] }: Definition, side: Side): EventSchema {
  const inner = rewriteOf(innerType as EventSchema, side)
  return checks.length === 0 ? inner : rebuilt(inner, { checks: [...(definitionOf(inner).checks ?? []), ...checks] })
}

/**
 * The schema of the same class with some members of its definition replaced. No getter is run: a default's is its
 * value, and a shape's may refer to a schema that is not there yet.
 */
function rebuilt(schema: EventSchema, members: object | undefined): EventSchema {
  if (members === undefined) return schema
  const descriptors = Object.getOwnPropertyDescriptors(definitionOf(schema) as object)
  const { _cachedInner: _, ...kept } = descriptors as Record<string, PropertyDescriptor> // a lazy's schema as it was
  const definition = Object.defineProperties({}, { ...kept, ...Object.getOwnPropertyDescriptors(members) })
  return new (schema._zod.constr as new (definition: object) => EventSchema)(definition)
}

const kept = <T>(value: T): T => value

/** Fails for a member that is missing: what a transform makes of that is not known. */
function keptIfThere(value: unknown, context: { readonly issues: unknown[]; readonly value?: unknown }): unknown {
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
      return side === 'output' ? { transform: keptIfThere } : undefined
    default:
      return 'innerType' in definition ? { innerType: each(definition['innerType']) } : undefined
  }
}

/** Of a pipe, the output side is its end: both of its halves, since the first is where parsing begins. */
function pipeMembers(definition: Definition, side: Side): object {
  const out = rewriteOf(definition['out'] as EventSchema, side)
  if (side === 'output') return { in: out, out, ...('transform' in definition && { transform: kept }) }
  return { in: rewriteOf(definition['in'] as EventSchema, side), out }
}

/** Each member is rewritten when it is first asked for: a recursive one refers to the object itself. */
function lazyShape(shape: object, side: Side): object {
  const names = Object.keys(shape)
  const getters = names.map((name) => [
    name,
    { get: () => rewriteOf(Reflect.get(shape, name) as EventSchema, side), enumerable: true, configurable: true },
  ])
  return Object.defineProperties({}, Object.fromEntries(getters) as PropertyDescriptorMap)
}
