import type { TRPCCombinedDataTransformer, TRPCDataTransformer } from '@trpc/server'
import type { Transport } from '../connection/transport.ts'

/** The way of values through the client's data transformer, if it has one. */
export interface Transform {
  readonly serialize: (value: unknown) => unknown
  readonly deserialize: (value: unknown) => unknown
  /** Says that one side alone has a transformer, as far as the server told. [TL-HELLO-6] */
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
  const here = input.serialize(probe) !== probe // tRPC's own default gives back what it is given
  return {
    serialize: (value) => input.serialize(value),
    deserialize: (value) => output.deserialize(value),
    mismatch() {
      const there = transforms() ?? here
      if (there === here) return undefined
      return `Only ${here ? 'this client' : 'the router'} has a data transformer: pass the same \`transformer\` to both.`
    },
  }
}

const same = (value: unknown) => value
const plain = { input: { serialize: same }, output: { deserialize: same } }
