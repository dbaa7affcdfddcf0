import type * as z from 'zod/mini'
import type { Random } from '../../packages/simulator/src/kernel/random.ts'
import { raw, type Tree, text } from './tree.ts'

/** A value for the member at a path such as `params.path`; undefined where the schema alone decides. */
export type Hints = (random: Random, path: string) => Tree | undefined

/** The members that the definitions of the known types of schemas have. */
interface Definition {
  readonly type: string
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  readonly element?: z.core.$ZodType
  readonly innerType?: z.core.$ZodType
  readonly out?: z.core.$ZodType
  readonly options?: readonly z.core.$ZodType[]
  readonly values?: readonly unknown[]
  readonly entries?: Readonly<Record<string, string>>
  readonly valueType?: z.core.$ZodType
}

/** A value that a schema of the protocol accepts, but for checks of its own, as a tree. Throws for an unknown type. */
export function fromSchema(random: Random, schema: z.core.$ZodType, hints: Hints, path = ''): Tree {
  const hinted = hints(random, path)
  if (hinted !== undefined) return hinted
  const definition = schema._zod.def as Definition
  const inner = (of: z.core.$ZodType | undefined, at = path) => {
    if (of === undefined) throw new TypeError(`The schema at ${path} has no inner schema.`)
    return fromSchema(random, of, hints, at)
  }
  switch (definition.type) {
    case 'object':
      return {
        kind: 'object',
        members: membersOf(random, definition.shape ?? {}, (of, name) => inner(of, `${path}.${name}`)),
      }
    case 'array':
      return {
        kind: 'array',
        items: Array.from({ length: lengthOf(random) }, () => inner(definition.element, `${path}.*`)),
      }
    case 'record': {
      const names = Array.from({ length: lengthOf(random) }, (_, index) => `key${index}`)
      return { kind: 'object', members: names.map((name) => [name, inner(definition.valueType, `${path}.*`)]) }
    }
    case 'union':
      return inner(random.pick(definition.options ?? []))
    case 'optional':
      return inner(definition.innerType)
    case 'pipe':
      return inner(definition.out)
    case 'nullable':
      return random.chance(0.2) ? raw('null') : inner(definition.innerType)
    case 'literal':
      return raw(JSON.stringify(random.pick(definition.values ?? [])))
    case 'enum':
      return text(random.pick(Object.values(definition.entries ?? {})))
    case 'string':
      return text(random.pick(['', 'a', 'e:1', 'some text', 'ünï🦊']))
    case 'number':
      return raw(String(random.pick([0, 1, 2, 3, 7, 100])))
    case 'boolean':
      return raw(String(random.chance(0.5)))
    case 'unknown':
      return raw(random.pick(['null', '1', '"x"', '{"room":"x"}', '[1,{"a":"b"}]']))
    default:
      throw new TypeError(`The fuzzer cannot make a ${definition.type}: teach it in from-schema.ts.`)
  }
}

function membersOf(
  random: Random,
  shape: Readonly<Record<string, z.core.$ZodType>>,
  make: (of: z.core.$ZodType, name: string) => Tree,
): [string, Tree][] {
  return Object.entries(shape).flatMap(([name, of]): [string, Tree][] => {
    const isLeftOut = (of._zod.def as Definition).type === 'optional' && random.chance(0.5)
    return isLeftOut ? [] : [[name, make(of, name)]]
  })
}

function lengthOf(random: Random): number {
  return random.chance(0.9) ? random.int(4) : random.int(250)
}
