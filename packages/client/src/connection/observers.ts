import type { ConnectionState } from '../session/machine/connection-state.ts'
import type { Effect } from '../session/machine/effects.ts'
import type { Gap, GapHandler } from '../session/machine/gap.ts'
import type { CallObserver, SubscriptionObserver } from './transport.ts'

/** The effects that are for the application. */
export type ObserverEffect = Extract<
  Effect,
  { readonly type: 'answer' | 'fail' | 'started' | 'deliver' | 'gap' | 'complete' }
>

/** The sink of a call or of a subscription: of each effect the session emits what its sink takes. */
type Sink = Partial<CallObserver & SubscriptionObserver>
interface Entry {
  readonly sink: Sink
  readonly notifyGap?: (gap: Omit<Gap, 'path' | 'input'>) => void
}

/** The application's ends of calls and subscriptions, by the id that names them on the wire. Ids are never given twice. [TL-STOP-4] */
export function createObservers(onGapOfConnection: GapHandler | undefined, uncaught: (error: unknown) => void) {
  const entries = new Map<number, Entry>()
  let lastId = 0

  /** An application's callback that throws must not stop the line's own work: the throw comes out as an uncaught one, as tRPC does it. */
  function guard(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      uncaught(error)
    }
  }

  function settle(effect: ObserverEffect): void {
    const entry = entries.get(effect.id)
    if (effect.type === 'answer' || effect.type === 'fail' || effect.type === 'complete') remove(effect.id)
    if (entry !== undefined) guard(() => tell(entry, effect))
  }
  function remove(id: number): boolean {
    return entries.delete(id)
  }
  return {
    nextId(): number {
      lastId += 1
      return lastId
    },
    addCall(id: number, sink: CallObserver): void {
      entries.set(id, { sink })
    },
    /** Returns whether somebody will hear of its gaps. */
    addSubscription(
      id: number,
      sink: SubscriptionObserver,
      { path, input, onGap = onGapOfConnection }: AddOptions,
    ): boolean {
      entries.set(id, { sink, notifyGap: (gap) => onGap?.({ path, input, ...gap }) })
      return onGap !== undefined
    },
    /** Stops telling; false when it was over already. */
    remove,
    settle,
    /** Tells each subscription what the connection became. */
    notifyState(state: ConnectionState): void {
      for (const { sink } of [...entries.values()]) guard(() => sink.state?.(state))
    },
    guard,
  }
}

type AddOptions = Pick<Gap, 'path' | 'input'> & { readonly onGap: GapHandler | undefined }

function tell({ sink, notifyGap }: Entry, effect: ObserverEffect) {
  switch (effect.type) {
    case 'answer':
      return sink.answer?.(effect.data)
    case 'started':
      return sink.started?.()
    case 'deliver':
      return sink.data?.(effect.result)
    case 'gap':
      return notifyGap?.({ reason: effect.reason, lastEventId: effect.lastEventId })
    case 'fail':
      return sink.fail?.(effect.failure)
    case 'complete':
      return sink.complete?.()
  }
}
