import type { SubscriptionDescriptor } from '../../define/subscription.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { markEntered, TrunklineError } from '../context/trunkline-error.ts'
import { isGenerator } from '../procedures/around-resolver.ts'
import { loadProcedure } from '../procedures/load-lazy-router.ts'
import { procedureOf } from '../procedures/run-procedure.ts'

/**
 * Throws NEEDS_SOCKET for a subscription over HTTP whose procedure is recognised as a generator. Runs nothing of the
 * application.
 */
// [TL-HTTP-13]
export async function refuseGenerator(context: InvocationContext, path: string): Promise<void> {
  await loadProcedure(context, path)
  const procedure = procedureOf(context.server, path)
  if (procedure?._def.type === 'subscription' && isGenerator(procedure)) throw needsSocket(path, 'a generator')
}

/**
 * Throws NEEDS_SOCKET for a subscription over HTTP that has no log. The resolver has run, which of a channel only
 * declares what is followed; that of a generator may have done more.
 */
export function checkHasLog(path: string, descriptor: SubscriptionDescriptor | undefined): void {
  if (descriptor === undefined) throw markEntered(needsSocket(path, 'a generator'))
  if (descriptor.channel.retentionMs === undefined) throw needsSocket(path, 'an ephemeral channel')
}

function needsSocket(path: string, what: string): TrunklineError {
  return new TrunklineError(
    'NEEDS_SOCKET',
    `Expected a subscription to a log over HTTP, got "${path}", which follows ${what}. Subscribe over a WebSocket.`,
  )
}
