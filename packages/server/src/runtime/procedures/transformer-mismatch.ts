import { TRPCError } from '@trpc/server'
import type { RuntimeContext } from '../context/scope.ts'
import type { Server } from '../context/served-application.ts'

/** Whether a router has a data transformer: tRPC's default gives back the very value. */
export function hasTransformer({ router }: Pick<Server, 'router'>): boolean {
  const probe = {}
  return router._def._config.transformer.output.serialize(probe) !== probe
}

/** Why the router's transformer cannot read an input: it did not go through one. Undefined where it looks as it should. */
export function foreignInput(server: Pick<Server, 'router'>, rawInput: unknown): TRPCError | undefined {
  if (!hasTransformer(server)) return undefined
  const isNothing = rawInput === undefined || rawInput === null // which a transformer may leave as it is
  return (isNothing ? !canRead(server, rawInput) : isForeign(server, rawInput)) ? new ForeignInput() : undefined
}

/** An input through the router's transformer; undefined for a foreign one, which is refused when it is answered. Throws what the transformer throws. */
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

/** Answered in tRPC's plain shape, since a client without a transformer could not read another. */
export class ForeignInput extends TRPCError {
  constructor() {
    super({ code: 'BAD_REQUEST', message: clientHasNone })
  }
}

const clientHasNone =
  'The router has a data transformer and this input did not go through it: pass the same `transformer` to the client (createClient, trunklineLink or wsLink).'
const serverHasNone =
  'The input looks as if a data transformer had made it, and the router has none: pass the same `transformer` to initTRPC.create, or none to the client.'

const warned = new WeakMap<object, Set<string>>()

/** Logs a transformer that is on one side only, once in a process: the client is answered, and its developer may not be the server's. Called for an input that was refused. */
export function warnOfMismatch(
  { server, telemetry }: Pick<RuntimeContext, 'telemetry'> & { readonly server: Server },
  { error, input, path }: { readonly error: TRPCError; readonly input: unknown; readonly path: string | undefined },
): void {
  if (error.code !== 'BAD_REQUEST') return
  const isForeignHere = error instanceof ForeignInput
  if (!isForeignHere && (hasTransformer(server) || !looksTransformed(input))) return
  const words = isForeignHere ? clientHasNone : serverHasNone
  const said = warned.get(server) ?? new Set()
  warned.set(server, said)
  if (said.has(words)) return
  said.add(words)
  telemetry.log({ level: 'WARN', message: words, facts: { path } })
}

/** By its outermost form alone, compared with what the transformer makes of an empty object and of nothing. A transformer that leaves objects as they are, and marks values inside, has no such form. */
function isForeign({ router }: Pick<Server, 'router'>, rawInput: unknown): boolean {
  const samples = samplesOf(router)
  const [empty] = samples
  const members = new Set(samples.flatMap((sample) => (kindOf(sample) === 'object' ? Object.keys(Object(sample)) : [])))
  if (kindOf(empty) === 'undefined' || (kindOf(empty) === 'object' && members.size === 0)) return false
  if (kindOf(rawInput) !== kindOf(empty)) return true
  const own = kindOf(rawInput) === 'object' ? Object.keys(Object(rawInput)) : []
  return own.length > 0 && !own.some((name) => members.has(name))
}

/** A transformer that is split may only read inputs here: then nothing is known of its form. */
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

/** The form of superjson, which most routers with a transformer use. */
function looksTransformed(input: unknown): boolean {
  if (kindOf(input) !== 'object') return false
  const names = Object.keys(Object(input))
  return names.includes('json') && names.every((name) => name === 'json' || name === 'meta')
}
