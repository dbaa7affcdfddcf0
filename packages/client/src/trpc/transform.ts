import type { TRPCCombinedDataTransformer, TRPCDataTransformer } from '@trpc/server'
import type { Transport } from '../connection/transport.ts'

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
