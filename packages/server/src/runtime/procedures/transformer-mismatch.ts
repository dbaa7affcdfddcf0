import { TRPCError } from '@trpc/server'
import type { RuntimeContext } from '../context/runtime-context.ts'
import type { Server } from '../context/served-application.ts'

/** Whether a router has a data transformer: tRPC's default returns the same value. */
export function hasTransformer({ router }: Pick<Server, 'router'>): boolean {
  const probe = {}
  return router._def._config.transformer.output.serialize(probe) !== probe
}

/** The error for an input that was not serialised by the router's transformer. Undefined when it looks serialised. */
export function foreignInput(server: Pick<Server, 'router'>, rawInput: unknown): TRPCError | undefined {
  if (!hasTransformer(server)) return undefined
  const isNothing = rawInput === undefined || rawInput === null // a transformer may leave it as it is
  return (isNothing ? !canRead(server, rawInput) : isForeign(server, rawInput)) ? new ForeignInput() : undefined
}

/**
 * Deserialises an input. Undefined for an input that was not serialised, which is rejected later. Throws what the
 * transformer throws.
 */
export function readInput(server: Pick<Server, 'router'>, rawInput: unknown): unknown {
  try {
    return server.router._def._config.transformer.input.deserialize(rawInput)
  } catch (thrown) {
    if (foreignInput(server, rawInput) !== undefined) return undefined
    throw thrown
  }
}

function canRead({ router }: Pick<Server, 'router'>, rawInput: unknown): boolean {
  try {
    router._def._config.transformer.input.deserialize(rawInput)
    return true
  } catch {
    return false
  }
}

/** Sent in tRPC's plain shape, since a client without a transformer cannot read a serialised one. */
export class ForeignInput extends TRPCError {
  constructor() {
    super({ code: 'BAD_REQUEST', message: clientHasNone })
  }
}

const clientHasNone =
  'The router has a data transformer and this input did not go through it: pass the same `transformer` to the client (createClient, trunklineLink or wsLink).'
const serverHasNone =
  'The input looks as if a data transformer had made it, and the router has none: pass the same `transformer` to initTRPC.create, or none to the client.'

/** By the `createContext` of the served application, since the server is copied for each caller. */
const warned = new WeakMap<object, Set<string>>()

/**
 * Logs a transformer that only one side has, once per process: the error goes to the client, but the server's developer
 * should know too. Called for an input that was rejected.
 */
export function warnOfMismatch(
  { server, telemetry }: Pick<RuntimeContext, 'telemetry'> & { readonly server: Server },
  { error, input, path }: { readonly error: TRPCError; readonly input: unknown; readonly path: string | undefined },
): void {
  if (error.code !== 'BAD_REQUEST') return
  const isForeignHere = error instanceof ForeignInput
  if (!isForeignHere && (hasTransformer(server) || !looksTransformed(input))) return
  const message = isForeignHere ? clientHasNone : serverHasNone
  const logged = warned.get(server.createContext) ?? new Set()
  warned.set(server.createContext, logged)
  if (logged.has(message)) return
  logged.add(message)
  telemetry.log({ level: 'WARN', message, facts: { path } })
}

/**
 * Compares only the outermost form of an input with the serialised forms of an empty object and of undefined. A
 * transformer that leaves objects as they are, and marks values inside, cannot be recognised.
 */
function isForeign({ router }: Pick<Server, 'router'>, rawInput: unknown): boolean {
  const samples = samplesOf(router)
  const [empty] = samples
  const members = new Set(samples.flatMap((sample) => (kindOf(sample) === 'object' ? Object.keys(Object(sample)) : [])))
  if (kindOf(empty) === 'undefined' || (kindOf(empty) === 'object' && members.size === 0)) return false
  if (kindOf(rawInput) !== kindOf(empty)) return true
  const own = kindOf(rawInput) === 'object' ? Object.keys(Object(rawInput)) : []
  return own.length > 0 && !own.some((name) => members.has(name))
}

/** Empty when the transformer can only deserialise inputs here; then its form is unknown. */
function samplesOf(router: Server['router']): readonly unknown[] {
  const { input } = router._def._config.transformer
  try {
    return [input.serialize({}), input.serialize(undefined)]
  } catch {
    return []
  }
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value
}

/** Whether an input has the form of superjson, the most common transformer. */
function looksTransformed(input: unknown): boolean {
  if (kindOf(input) !== 'object') return false
  const names = Object.keys(Object(input))
  return names.includes('json') && names.every((name) => name === 'json' || name === 'meta')
}
