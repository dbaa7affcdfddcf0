import { type FrameId, type HelloResult, limits } from '@trunkline/protocol'
import type { ConnectionCaller } from '../context/caller.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { frameText } from '../encoding/result-frames.ts'
import { hasTransformer } from '../procedures/transformer-mismatch.ts'

/** `{"id":0,"result":{"type":"hello","session":…,"time":…,"limits":{…}}}` [TL-HELLO-2] */
export function helloFrame({ server, clock }: InvocationContext, id: FrameId, caller: ConnectionCaller): string {
  const result: HelloResult = {
    type: 'hello',
    session: caller.session,
    time: clock.now(),
    limits: {
      frameBytes: limits.frameBytes.value,
      messageBytes: limits.messageBytes.value,
      idleMs: limits.idleMs.value,
      lifetimeMs: limits.lifetimeMs.value,
      maxMessageBytes: server.maxMessageBytes,
      batchSize: server.maxBatchSize,
    },
    transformer: hasTransformer(server), // [TL-HELLO-6]
    ...(caller.authExp === undefined ? {} : { authExpires: caller.authExp }),
    ...(caller.refused === undefined ? {} : { refused: caller.refused }),
  }
  return frameText(JSON.stringify(id), JSON.stringify(result))
}
