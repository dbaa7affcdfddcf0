import type { ClientFrame } from '@trunkline/protocol'
import type { ConnectionState } from './connection-state.ts'
import type { Effect } from './effects.ts'
import { type FrameName, type OwnedTimer, type SessionEvent, socketTimers, type Timer } from './events.ts'
import type { Order } from './sequencer.ts'
import { type PendingCall, type SessionState, type Subscription, unansweredAt } from './state.ts'

/**
 * The working copy of one step: the changed state and the collected effects. It exists only during the step. It changes
 * the maps of calls and subscriptions that the given state has, because the step's caller does not use that state again.
 */
export class Transition {
  /** The monotonic clock, in milliseconds. All delays and differences use it. */
  readonly now: number
  /** The wall clock, in epoch milliseconds. */
  readonly wall: number
  readonly chance: number
  /** The socket of the event; the one in use for an event without a socket. */
  readonly from: number
  readonly effects: Effect[] = []
  /** Subscriptions whose events are fetched at the end of the step, in one frame. */
  readonly pendingSyncs: number[] = []
  /** Subscriptions that took too long to start. The same number of others may be sent instead. */
  resumeSlots = 0
  /** Subscriptions for which this message has an answer to a subscribe or a `sync`. */
  readonly answered: number[] = []
  /** The size of each frame of the message that is handled, in characters: its equal share of the message. */
  frameSize = 0
  /** Whether a call in the outbox may be sendable at the end of the step. */
  outboxDirty = false
  state: SessionState

  constructor(state: SessionState, event: SessionEvent) {
    this.state = state
    this.now = event.now
    this.wall = event.wall
    this.chance = event.chance
    this.from = 'socket' in event ? event.socket : state.socket
  }

  patch(change: Partial<SessionState>): void {
    this.state = { ...this.state, ...change }
  }
  setStatus(status: ConnectionState): void {
    this.patch({ status })
  }
  emit(effect: Effect): void {
    this.effects.push(effect)
  }
  /** Sends one message, or a chunk of one, and records `frames` as unanswered. */
  send(message: ClientFrame | string, frames: readonly FrameName[], socket: number = this.state.socket): void {
    this.emit({ type: 'send', socket, text: typeof message === 'string' ? message : JSON.stringify(message) })
    const sent = frames.map((frame) => ({ socket, frame, at: this.now }))
    this.patch({ unanswered: [...unansweredAt(this.state, this.now), ...sent] })
  }
  arm(timer: Timer, ms: number): void {
    this.emit({ type: 'arm', timer, ms })
  }
  cancel(timer: Timer): void {
    this.emit({ type: 'cancel', timer })
  }
  /** Cancels timers of one call or subscription. */
  cancelOf(id: number, ...kinds: readonly OwnedTimer[]): void {
    for (const kind of kinds) this.cancel({ kind, id })
  }
  cancelSocketTimers(): void {
    for (const kind of socketTimers) this.cancel({ kind })
  }
  /** Cancels all timers and closes all sockets. */
  disconnect(): void {
    this.patch({ handover: null })
    this.emit({ type: 'cancel-all' })
    this.emit({ type: 'disconnect' })
  }
  /** Creates a socket and returns its number. */
  connect(): number {
    const socket = this.state.lastSocket + 1
    this.patch({ lastSocket: socket })
    this.emit({ type: 'connect', socket })
    return socket
  }
  /** An id for one of the session's own frames. These ids are strings; those of calls and subscriptions are numbers. */
  nextId(prefix: 'hello' | 'sync' | 'auth' | 'chunk'): string {
    this.patch({ serial: this.state.serial + 1 })
    return `${prefix}-${this.state.serial}`
  }

  putCall(call: PendingCall): void {
    own(this.state.calls).set(call.id, call)
  }
  dropCall(id: number): void {
    // the next call with its ordering key may go
    if (this.state.calls.get(id)?.orderingKey !== undefined) this.outboxDirty = true
    own(this.state.calls).delete(id)
    this.cancelOf(id, 'deadline', 'resend')
  }
  putSubscription(subscription: Subscription): void {
    own(this.state.subscriptions).set(subscription.id, subscription)
  }
  /** Puts a subscription with another order. It changes the subscription itself if the state has the same object. */
  putOrder(subscription: Subscription, order: Order): Subscription {
    if (this.state.subscriptions.get(subscription.id) === subscription) {
      ;(subscription as { order: Order }).order = order
      return subscription
    }
    const next = { ...subscription, order }
    this.putSubscription(next)
    return next
  }
  dropSubscription(id: number): void {
    own(this.state.subscriptions).delete(id)
    this.cancelOf(id, 'started', 'gap', 'alive')
  }
}

/** A map of the state, which only the step may change. */
function own<Value>(map: ReadonlyMap<number, Value>): Map<number, Value> {
  return map as Map<number, Value>
}
