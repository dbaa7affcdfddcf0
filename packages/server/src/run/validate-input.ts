import { StandardSchemaV1Error, TRPCError } from '@trpc/server'
import { type CallRequest, procedureOf } from './call.ts'
import type { Server } from './server.ts'

type Validate = (value: unknown) => unknown

/** What tRPC takes for a validator, as far as it is asked here. */
type ParserLike = { readonly [Method in (typeof methods)[number]]?: Validate } & {
  readonly '~standard'?: { validate(value: unknown): unknown }
}

const methods = ['parseAsync', 'parse', 'validateSync', 'create', 'assert'] as const

/** Checks a call's input by its procedure's own validators, before anything is claimed for it (law 9). Throws what tRPC would. */
export async function validateInput(server: Server, { path, input }: CallRequest): Promise<void> {
  for (const parser of procedureOf(server, path)?._def.inputs ?? []) {
    try {
      await validatorOf(parser)?.(input)
    } catch (cause) {
      throw new TRPCError({ code: 'BAD_REQUEST', cause })
    }
  }
}

/** The member that tRPC calls, in its order: an error formatter that looks for a library's own error finds it. */
function validatorOf(parser: unknown): Validate | undefined {
  const known = parser as ParserLike
  const method = methods.find((name) => typeof known[name] === 'function')
  if (method !== undefined) return (value) => known[method]?.(value)
  if (known['~standard'] !== undefined) return bySchema(known['~standard'])
  return typeof parser === 'function' ? (parser as Validate) : undefined
}

function bySchema(schema: NonNullable<ParserLike['~standard']>): Validate {
  return async (value) => {
    const { issues } = (await schema.validate(value)) as { readonly issues?: readonly never[] }
    if (issues !== undefined) throw new StandardSchemaV1Error(issues)
  }
}
