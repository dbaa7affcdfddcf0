import type { AnyTRPCRouter } from '@trpc/server'
import { defined } from '@trunkline/protocol'
import { createLine } from '@trunkline/server'
import { type Application, applicationOf, type ChannelDefinition } from '@trunkline/server/internal'
import * as z from 'zod'
import { proceduresOf } from '../../asyncapi/procedures.ts'
import type { ChannelItem, JsonSchema, ProcedureItem } from '../data-source.ts'
import type { Description, EncodedInput } from '../local/application-port.ts'

/** The functions that a thread of the inspector runs. Each gets one event, as a handler does. */
export interface ApplicationFunctions {
  describe(): Promise<Description>
  publish(event: { readonly channel: string; readonly key: unknown; readonly data: unknown }): Promise<string | null>
  encode(call: { readonly path: string; readonly input?: unknown }): Promise<EncodedInput>
  decode(event: { readonly output: unknown }): Promise<string | null>
}

/** Reads and uses the application behind a module's handlers. */
export function serveApplication(exported: object): ApplicationFunctions {
  const application = Object.values(exported)
    .map(applicationOf)
    .find((found) => found !== undefined)
  if (application === undefined)
    throw new Error('Expected handlers, got none. Export what createLambdaHandlers returns.')
  const line = createLine()
  const channels = new Map<string, PublishingChannel>()
  const channelOf = (definition: ChannelDefinition) => {
    const known = channels.get(definition.name) ?? toChannel(line, definition)
    channels.set(definition.name, known)
    return known
  }
  return {
    describe: () => describe(application),
    async publish({ channel: name, key, data }) {
      const definition = application.channels.find((one) => one.name === name)
      if (definition === undefined) throw new Error(`Expected the name of a channel, got ${JSON.stringify(name)}.`)
      const published: unknown = await channelOf(definition).publish(key, data)
      return typeof published === 'object' && published !== null && 'id' in published ? String(published.id) : null
    },
    async encode({ path, input }) {
      if (!transforms(application)) return { input, transforms: false }
      const procedure = (await proceduresOf(application.router)).find((one) => one.path === path)
      const [schema] = procedure?.inputs ?? []
      return { input: transformerOf(application).input.serialize(revive(input, schema)), transforms: true }
    },
    async decode({ output }) {
      const value: unknown = transforms(application) ? transformerOf(application).output.deserialize(output) : output
      return JSON.stringify(value, showValue, 2) ?? null
    },
  }
}

interface PublishingChannel {
  publish(key: unknown, data: unknown): Promise<unknown>
}

/** The application's channel on a line of this module: it has the same schemas and writes the same rows. */
function toChannel(line: ReturnType<typeof createLine>, definition: ChannelDefinition): PublishingChannel {
  const { name, key, event, retentionMs, partitions, presence, stream } = definition
  if (presence !== undefined || stream !== undefined)
    throw new Error(`Expected a channel that events are published to, got ${name}, a ${kindOf(definition)}.`)
  const channel =
    retentionMs === undefined
      ? line.ephemeral(name, { key, event })
      : line.channel(name, {
          ...{ key, event, retention: `${retentionMs}ms` },
          ...(partitions && { partitions: partitions.count, ...defined({ partitionBy: partitions.by }) }),
        } as never) // only the definition knows whether it has partitions
  return channel as PublishingChannel // the channel validates both
}

async function describe({ router, channels }: Application): Promise<Description> {
  const procedures = await proceduresOf(router)
  return {
    procedures: procedures.map(({ path, type, inputs, meta }): ProcedureItem => {
      const notes = Object.entries(meta).flatMap(([name, value]) => (value === true ? [name] : []))
      const input = inputs.length === 0 ? undefined : toSchema(inputs.length === 1 ? inputs[0] : inputs)
      return { id: path, type, notes, ...defined({ input }) }
    }),
    channels: [...channels].sort((a, b) => (a.name < b.name ? -1 : 1)).map(toChannelItem),
  }
}

function toChannelItem(definition: ChannelDefinition): ChannelItem {
  const { name, key, event, retentionMs } = definition
  return {
    id: name,
    kind: kindOf(definition),
    key: toSchema(key),
    event: toSchema(event),
    ...defined({ retentionMs }),
  }
}

function kindOf({ presence, stream, retentionMs }: ChannelDefinition): ChannelItem['kind'] {
  if (presence !== undefined) return 'presence'
  if (stream !== undefined) return 'stream'
  return retentionMs === undefined ? 'ephemeral' : 'log'
}

/** The JSON Schema of what a form sends. `true` accepts everything: the form is then a text of JSON. */
function toSchema(schema: unknown): JsonSchema {
  if (Array.isArray(schema)) return { allOf: schema.map(toSchema) }
  if (typeof schema !== 'object' || schema === null || !('_zod' in schema)) return {}
  try {
    return z.toJSONSchema(schema as z.core.$ZodType, {
      target: 'draft-7',
      io: 'input',
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => {
        if (zodSchema._zod.def.type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
        if (zodSchema._zod.def.type === 'bigint') Object.assign(jsonSchema, { type: 'string', pattern: '^-?[0-9]+$' })
      },
    }) as JsonSchema
  } catch {
    return {} // the form is a text of JSON, and the procedure validates it
  }
}

function transformerOf({ router }: { readonly router: AnyTRPCRouter }) {
  return router._def._config.transformer
}

/** Whether the router has a transformer of its own: tRPC's default returns its input unchanged. */
function transforms(application: { readonly router: AnyTRPCRouter }): boolean {
  const probe = {}
  return transformerOf(application).input.serialize(probe) !== probe
}

interface SchemaLike {
  readonly _zod?: { readonly def: Readonly<Record<string, unknown>> & { readonly type: string } }
}

/** Makes dates and bigints of texts where the schema has them. */
function revive(value: unknown, schema: unknown): unknown {
  const def = (schema as SchemaLike | undefined)?._zod?.def
  if (def === undefined || value === undefined || value === null) return value
  if (def.type === 'date' && typeof value === 'string') return new Date(value)
  if (def.type === 'bigint' && /^-?\d+$/.test(String(value))) return BigInt(String(value))
  if (def['innerType'] !== undefined) return revive(value, def['innerType'])
  if (def.type === 'array' && Array.isArray(value)) return value.map((one) => revive(one, def['element']))
  if (def.type !== 'object' || typeof value !== 'object') return value
  const shape = Object(def['shape']) as Readonly<Record<string, unknown>>
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, revive(one, shape[name])]))
}

/** Shows what JSON cannot express. */
function showValue(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Map) return [...value]
  return value instanceof Set ? [...value] : value
}
