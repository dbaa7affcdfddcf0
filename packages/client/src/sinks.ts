import type { ConnectionState } from './connection-state.ts'
import type { Gap, GapHandler } from './gap.ts'
import type { Effect } from './session-effect.ts'
import type { CallSink, SubscriptionSink } from './transport.ts'

/** The effects that are for the application. */
export type SinkEffect = Extract<
  Effect,
  { readonly type: 'answer' | 'fail' | 'started' | 'deliver' | 'gap' | 'complete' }
>

interface SubscriptionEntry {
  readonly sink: SubscriptionSink
  readonly about: Pick<Gap, 'path' | 'input'>
  readonly onGap: GapHandler | undefined
}

/** The application's ends of calls and subscriptions, by the id that names them on the wire. Ids are never given twice. [TL-STOP-4] */
export function createSinks(onGapOfConnection: GapHandler | undefined, uncaught: (error: unknown) => void) {
  const calls = new Map<number, CallSink>()
  const subscriptions = new Map<number, SubscriptionEntry>()
  let lastId = 0

  /** An application's callback that throws must not stop the line's own work: the throw comes out as an uncaught one, as tRPC does it. */
  function guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      uncaught(error)
    }
  }

  function settle(effect: SinkEffect): void {
    const call = calls.get(effect.id)
    const subscription = subscriptions.get(effect.id)
    if (effect.type === 'answer' || effect.type === 'fail' || effect.type === 'complete') remove(effect.id)
    if (call !== undefined) guard(() => settleCall(call, effect))
    if (subscription !== undefined) guard(() => tell(subscription, effect))
  }
  function remove(id: number): boolean {
    return calls.delete(id) || subscriptions.delete(id)
  }
  return {
    nextId(): number {
      lastId += 1
      return lastId
    },
    addCall(id: number, sink: CallSink): void {
      calls.set(id, sink)
    },
    /** Returns whether somebody will hear of its gaps. */
    addSubscription(
      id: number,
      sink: SubscriptionSink,
      { path, input, onGap = onGapOfConnection }: AddOptions,
    ): boolean {
      subscriptions.set(id, { sink, about: { path, input }, onGap })
      return onGap !== undefined
    },
    /** Stops telling; false when it was over already. */
    remove,
    settle,
    /** Tells each subscription what the connection became. */
    tellState(state: ConnectionState): void {
      for (const { sink } of [...subscriptions.values()]) guard(() => sink.state(state))
    },
    guard,
  }
}

type AddOptions = Pick<Gap, 'path' | 'input'> & { readonly onGap: GapHandler | undefined }

function settleCall(sink: CallSink, effect: SinkEffect): void {
  if (effect.type === 'answer') sink.answer(effect.data)
  else if (effect.type === 'fail') sink.fail(effect.failure)
}

function tell({ sink, about, onGap }: SubscriptionEntry, effect: SinkEffect) {
  switch (effect.type) {
    case 'started':
      return sink.started()
    case 'deliver':
      return sink.data(effect.result)
    case 'gap':
      return onGap?.({ ...about, reason: effect.reason, lastEventId: effect.lastEventId })
    case 'fail':
      return sink.fail(effect.failure)
    case 'complete':
      return sink.complete()
  }
}
