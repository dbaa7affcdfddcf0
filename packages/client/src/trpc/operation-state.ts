import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import type { ConnectionState } from '../session/machine/connection-state.ts'

/** A connection's state as tRPC's links tell it to subscriptions. */
export interface OperationState<State extends 'idle' | 'connecting' | 'pending', E> {
  readonly type: 'state'
  readonly state: State
  readonly error: E
}

/** tRPC's words for our state: it knows no end, so a closed connection is an idle one. */
export function toOperationState<R extends AnyTRPCRouter>(
  state: ConnectionState,
): OperationState<'idle' | 'pending', null> | OperationState<'connecting', TRPCClientError<R> | null> {
  const { status } = state
  if (status === 'reconnecting')
    return { type: 'state', state: 'connecting', error: new TRPCClientError(state.cause.message) }
  const known = status === 'open' ? 'pending' : status === 'closed' ? 'idle' : 'connecting'
  return { type: 'state', state: known, error: null } // the subscription that asks opens an idle connection
}
