import type { ConnectionState } from '../session/machine/connection-state.ts'
import type { Effect } from '../session/machine/effects.ts'
import type { Gap } from '../session/machine/gap.ts'
import type { CallObserver, SubscriptionObserver } from './transport.ts'

/** The effects that are for the application. */
export type ObserverEffect = Extract<
  Effect,
  { readonly type: 'answer' | 'fail' | 'started' | 'pending' | 'deliver' | 'gap' | 'complete' }
>

/** Receives the gaps of one subscription. */
type NotifyGap = (gap: Omit<Gap, 'path' | 'input'>) => void

/** The callbacks of one call or subscription. The session emits only effects that its kind has a callback for. */
interface Entry {
  readonly observer: Partial<CallObserver & SubscriptionObserver>
  readonly notifyGap: NotifyGap | undefined
}

export type Observers = ReturnType<typeof createObservers>

/**
 * The application's callbacks: those of calls and subscriptions by the id that the wire has, and the listeners of the
 * connection's state. Ids are never reused. [TL-STOP-4]
 */
export function createObservers(uncaught: (error: unknown) => void) {
  const entries = new Map<number, Entry>()
  const listeners = new Set<(state: ConnectionState) => void>()
  let lastId = 0
  let onClosed = () => {}
  const closed = new Promise<void>((resolve) => (onClosed = resolve))

  /**
   * Runs a callback of the application. An error in it goes to `uncaught`, as in tRPC, and does not stop the session.
   */
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
    if (entry !== undefined) guard(() => notify(entry, effect))
  }
  function remove(id: number): boolean {
    return entries.delete(id)
  }
  return {
    /** Resolves when the connection is closed permanently. */
    closed,
    onClosed,
    guard,
    nextId(): number {
      lastId += 1
      return lastId
    },
    add(id: number, observer: Entry['observer'], notifyGap?: NotifyGap): void {
      entries.set(id, { observer, notifyGap })
    },
    /** Removes the callbacks of a call or subscription. Returns false when it had already ended. */
    remove,
    settle,
    /** Calls `listener` after each change of the connection's state. Returns a function that stops it. */
    subscribe(listener: (state: ConnectionState) => void): () => void {
      const own = (state: ConnectionState) => listener(state) // a listener that is added twice is called twice
      listeners.add(own)
      return () => listeners.delete(own)
    },
    /** Reports the connection's state to all subscriptions and listeners. */
    notifyState(state: ConnectionState): void {
      for (const { observer } of [...entries.values()]) guard(() => observer.state?.(state))
      for (const listener of [...listeners]) guard(() => listener(state))
    },
  }
}

function notify({ observer, notifyGap }: Entry, effect: ObserverEffect) {
  // biome-ignore lint/nursery/useExhaustiveSwitchCases: all effects are handled; the rule does not resolve Extract
  switch (effect.type) {
    case 'answer':
      return observer.answer?.(effect.data)
    case 'started':
      return observer.started?.(effect.from)
    case 'pending':
      return observer.pending?.(effect.line)
    case 'deliver':
      return observer.data?.(effect.result)
    case 'gap':
      return notifyGap?.({ reason: effect.reason, lastEventId: effect.lastEventId })
    case 'fail':
      return observer.fail?.(effect.failure)
    case 'complete':
      return observer.complete?.(effect.outcome)
  }
}
