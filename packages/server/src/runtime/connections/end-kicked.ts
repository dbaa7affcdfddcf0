import { defined, type KickedFrame } from '@trunkline/protocol'
import type { Kicked } from '../../ports/connections.ts'
import type { ConnectionCaller } from '../context/caller.ts'
import { createDeadline, narrowDeadline } from '../context/deadline.ts'
import type { RuntimeContext } from '../context/runtime-context.ts'
import { encode } from '../encoding/encode.ts'
import { deleteConnection, post } from '../posting/post.ts'

/** How long a client that takes no message delays the end of its connection. */
const frameMs = 1_500

/**
 * Posts why the server ends a connection to a client with extensions, then deletes the connection. Whether the client got
 * the frame is not known. Returns what became of the socket. Never throws.
 */
// [TL-KICK-1] {"id":null,"method":"kicked","params":{"reason":"spam","time":…,"until":…}}
export async function endKicked(
  context: RuntimeContext,
  { connectionId, extensions, via }: Pick<ConnectionCaller, 'connectionId' | 'extensions' | 'via'>,
  { reason, until }: Kicked,
): Promise<'closed' | 'gone' | 'failed'> {
  if (via !== undefined) return 'closed' // its next request is answered with the reason [TL-HTTP-4]
  const params = { reason, time: context.clock.now(), ...defined({ until }) }
  const frame: KickedFrame = { id: null, method: 'kicked', params }
  if (extensions) {
    const { clock, deadline: outer } = context
    using deadline = outer === undefined ? createDeadline(clock, frameMs) : narrowDeadline(clock, outer, frameMs)
    await post({ ...context, deadline }, connectionId, encode(frame))
  }
  return deleteConnection(context, connectionId)
}
