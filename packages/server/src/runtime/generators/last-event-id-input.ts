import type { RuntimeContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'
import { procedureOf } from '../procedures/run-procedure.ts'

/** By the `createContext` of the served application, since the server is copied for each caller. */
const warned = new WeakMap<object, Set<string>>()

/**
 * Logs, once for each procedure and process, a generator whose input drops `lastEventId`, so that it starts from the
 * beginning after each reconnect. Called when it yields a tracked value.
 */
export function warnOfLostCursor(
  { server, telemetry }: Pick<RuntimeContext, 'telemetry'> & { readonly server: Server },
  path: string,
): void {
  const known = warned.get(server.createContext) ?? new Set()
  warned.set(server.createContext, known)
  if (known.has(path)) return
  known.add(path)
  if (canCarry(procedureOf(server, path)?._def.inputs ?? []) !== false) return
  telemetry.log({
    level: 'WARN',
    message: `${path} yields tracked values, but its input cannot carry lastEventId, so it repeats them after each reconnect. Add lastEventId: z.string().optional() to its input.`,
    facts: { path },
  })
}

/**
 * Whether a procedure's resolver gets a `lastEventId` that was merged into the input; undefined if the validators do
 * not show it. tRPC merges the results of several validators, and passes no input if there is none.
 */
export function canCarry(inputs: readonly unknown[]): boolean | undefined {
  return anyOf(inputs.map(carries))
}

function anyOf(found: readonly (boolean | undefined)[]): boolean | undefined {
  if (found.includes(true)) return true
  return found.includes(undefined) ? undefined : false
}

/** The definition of a schema of zod 4 (`type`) or zod 3 (`typeName`). */
interface Definition {
  readonly type?: unknown
  readonly typeName?: string
  readonly shape?: unknown
  readonly catchall?: unknown
  readonly unknownKeys?: string
  readonly innerType?: unknown
  readonly in?: unknown
  readonly schema?: unknown
  readonly getter?: () => unknown
  readonly options?: unknown
  readonly left?: unknown
  readonly right?: unknown
}

const wrappers = new Set(
  'optional nullable default prefault nonoptional readonly catch branded'.split(' '), // each around `innerType`
)
const withoutMembers = new Set(
  'string number int boolean bigint date symbol undefined null void never nan literal enum nativeenum array tuple set map file template_literal'.split(
    ' ',
  ),
)

function carries(schema: unknown): boolean | undefined {
  const definition = definitionOf(schema)
  if (definition === undefined) return undefined
  const kind =
    typeof definition.type === 'string' ? definition.type : definition.typeName?.slice('Zod'.length).toLowerCase()
  if (kind === undefined) return undefined
  if (withoutMembers.has(kind)) return false
  if (wrappers.has(kind)) return carries(definition.innerType ?? definition.type)
  switch (kind) {
    case 'object':
      return objectCarries(definition)
    case 'any':
    case 'unknown':
      return true
    case 'pipe': // also a transform: a member that does not come in cannot come out
    case 'pipeline':
      return carries(definition.in) === false ? false : undefined
    case 'effects':
      return carries(definition.schema) === false ? false : undefined
    case 'lazy':
      return definition.getter === undefined ? undefined : carries(definition.getter())
    case 'union':
    case 'discriminatedunion':
      return anyOf(schemasOf(definition.options).map(carries))
    case 'intersection':
      return anyOf([carries(definition.left), carries(definition.right)])
    default:
      return undefined
  }
}

function objectCarries({ shape, catchall, unknownKeys }: Definition): boolean {
  const members: unknown = typeof shape === 'function' ? shape() : shape
  if (Object.hasOwn(Object(members), 'lastEventId')) return true
  const rest = definitionOf(catchall)
  const isClosed = rest === undefined || rest.type === 'never' || rest.typeName === 'ZodNever'
  return unknownKeys === 'passthrough' || !isClosed
}

function definitionOf(schema: unknown): Definition | undefined {
  const { _zod, _def } = Object(schema) as { readonly _zod?: { readonly def?: Definition }; readonly _def?: Definition }
  return _zod?.def ?? _def
}

function schemasOf(options: unknown): readonly unknown[] {
  if (options instanceof Map) return [...options.values()]
  return Array.isArray(options) ? options : []
}
