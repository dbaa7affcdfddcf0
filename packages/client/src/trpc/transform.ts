import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter, TRPCCombinedDataTransformer, TRPCDataTransformer } from '@trpc/server'
import { toError } from '../connection/to-error.ts'
import type { Transport } from '../connection/transport.ts'
import type { Failure } from '../session/machine/trunkline-error.ts'

/** The client's data transformer; it returns values unchanged when the client has none. */
export interface Transform {
  readonly serialize: (value: unknown) => unknown
  readonly deserialize: (value: unknown) => unknown
  /** The error message when only the client or only the router has a transformer, else undefined. [TL-HELLO-6] */
  readonly mismatch: () => string | undefined
}

export function toTransform(
  transformer: TRPCDataTransformer | TRPCCombinedDataTransformer | undefined,
  { transforms }: Pick<Transport, 'transforms'>,
): Transform {
  const { input, output } =
    transformer === undefined
      ? plain
      : 'input' in transformer
        ? transformer
        : { input: transformer, output: transformer }
  const probe = {}
  const isOnClient = input.serialize(probe) !== probe // tRPC's default transformer returns its argument
  return {
    serialize: (value) => input.serialize(value),
    deserialize: (value) => output.deserialize(value),
    mismatch() {
      const isOnRouter = transforms() ?? isOnClient
      if (isOnRouter === isOnClient) return undefined
      const owner = isOnClient ? 'this client' : 'the router'
      return `Only ${owner} has a data transformer: pass the same \`transformer\` to router and client.`
    },
  }
}

const same = (value: unknown) => value
const plain = { input: { serialize: same }, output: { deserialize: same } }

/** The message of the error for a value or an error shape that the transformer cannot deserialise. */
export const unreadable =
  'The transformer cannot read what the server sent: pass the same `transformer` to router and client.'

/** Converts a failure to a `TRPCClientError` with the deserialised error shape. `meta` has Trunkline's error. */
export function toClientError<R extends AnyTRPCRouter>(
  { line, shape }: Failure,
  { deserialize, mismatch }: Pick<Transform, 'deserialize' | 'mismatch'>,
): TRPCClientError<R> {
  const options = line === undefined ? {} : { meta: { trunklineError: line } }
  if (shape === undefined) return new TRPCClientError(line?.message ?? 'The server sent no error.', options)
  const problem = mismatch()
  if (problem !== undefined) return new TRPCClientError(problem, options)
  try {
    const error = deserialize(shape)
    if (typeof Object(error).message !== 'string') throw new Error(unreadable)
    return TRPCClientError.from({ error }, options)
  } catch (cause) {
    const message = line?.message ?? unreadable
    return new TRPCClientError(message, { ...options, cause: toError(cause) })
  }
}
