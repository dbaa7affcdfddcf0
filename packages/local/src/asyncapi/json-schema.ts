import * as z from 'zod'

/** A part of a document. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The side of a schema that a document describes: its input, its output, or the type that only the compiler checks,
 * which may have additional members.
 */
export type Side = 'input' | 'output' | 'declared'

/** The schemas of a document. Each has a unique name, so that recursive schemas can refer to themselves. */
export interface Schemas {
  /**
   * Adds a schema and returns a reference to it. Throws an `Error` that names the schema when zod cannot convert it.
   */
  add(name: string, schema: unknown, side: Side): JsonObject
  /** All added schemas by name. */
  all(): JsonObject
}

/** Descriptions of types that JSON Schema cannot express. */
const notes: Readonly<Record<string, string>> = {
  bigint: 'A bigint, in the format of the router’s transformer. JSON has no bigint.',
  custom: 'Checked by code, which JSON Schema cannot express.',
  date: 'A Date, in the format of the router’s transformer; without a transformer, ISO 8601 text.',
  map: 'A Map, in the format of the router’s transformer.',
  nan: 'NaN, in the format of the router’s transformer; without a transformer, null.',
  set: 'A Set, in the format of the router’s transformer.',
  symbol: 'A symbol, which cannot be serialised.',
  transform: 'Produced by code, which JSON Schema cannot express.',
  undefined: 'Nothing: the member is left out.',
  void: 'Nothing: the member is left out.',
}

/** Creates an empty set of schemas at `#/components/schemas/`. */
export function createSchemas(): Schemas {
  const all = new Map<string, JsonObject>()
  return {
    add(name, schema, side) {
      const { definitions = {}, ...own } = convert(name, schema, side)
      all.set(name, moveReferences(own, name))
      for (const [inner, value] of Object.entries(definitions)) all.set(`${name}.${inner}`, moveReferences(value, name))
      return referTo(name)
    },
    all: () => Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

/** A schema that accepts any value, with the reason. */
export function anything(why: string): JsonObject {
  return { description: why }
}

interface Converted {
  readonly definitions?: Readonly<Record<string, JsonObject>>
  readonly [keyword: string]: unknown
}

function convert(name: string, schema: unknown, side: Side): Converted {
  if (!isZod(schema)) return anything('Validated by something other than a zod 4 schema, so its type is unknown.')
  try {
    const { $schema, ...json } = z.toJSONSchema(schema, {
      target: 'draft-7',
      io: side === 'input' ? 'input' : 'output',
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        const words = notes[zodSchema._zod.def.type]
        if (words !== undefined && Object.keys(jsonSchema).length === 0) jsonSchema.description = words
        if (side === 'declared' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      },
    })
    return json as Converted // zod guarantees plain JSON
  } catch (cause) {
    throw new Error(
      `The schema ${name} could not be converted to JSON Schema: ${messageOf(cause)}. Use a type that zod can convert.`,
      { cause },
    )
  }
}

/** Rewrites references: zod's start at the schema's root, and here each schema is part of a document. */
function moveReferences<T>(value: T, name: string): T {
  const text = JSON.stringify(value, (key, inner: unknown) =>
    key === '$ref' && typeof inner === 'string' ? toPlace(inner, name) : inner,
  )
  return JSON.parse(text)
}

function toPlace(reference: string, name: string): string {
  const inner = /^#\/definitions\/(.+)$/.exec(reference)?.[1]
  return place(inner === undefined ? name : `${name}.${inner}`)
}

function place(name: string): string {
  return `#/components/schemas/${name}`
}

function referTo(name: string): JsonObject {
  return { $ref: place(name) }
}

function isZod(schema: unknown): schema is z.core.$ZodType {
  return typeof schema === 'object' && schema !== null && '_zod' in schema
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
