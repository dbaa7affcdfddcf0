import type { ConnectionCaller } from '../context/caller.ts'
import type { RuntimeContext } from '../context/scope.ts'
import { toMessages } from '../encoding/pack-messages.ts'
import { type Posted, post } from './post.ts'

/** Posts a frame as one message, or as chunks one after another up to the first that fails. Never throws. */
// [TL-CHUNK-1]
export async function postFrame(
  scope: RuntimeContext,
  { connectionId, extensions }: Pick<ConnectionCaller, 'connectionId' | 'extensions'>,
  text: string,
): Promise<Posted> {
  let posted: Posted = 'posted'
  for (const message of toMessages([text], extensions))
    if (posted === 'posted') posted = await post(scope, connectionId, message)
  return posted
}
