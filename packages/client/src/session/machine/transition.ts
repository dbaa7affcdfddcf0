import type { ClientFrame } from '@trunkline/protocol'
import type { ConnectionState } from './connection-state.ts'
import type { Effect } from './effects.ts'
import { type OwnedTimer, type SessionEvent, socketTimers, type Timer } from './events.ts'
import { type FrameName, type PendingCall, type SessionState, type Subscription, unansweredAt } from './state.ts'

/** One step in the making: the state as changed so far and the effects gathered. It lives no longer than the step, so that the step is pure: what it was given is never changed, and each map is copied at its first change only. */
export class Transition {
  /** The monotonic clock: every wait and every difference is measured by it. */
  readonly now: number
  /** The wall clock, in epoch milliseconds. */
  readonly wall: number
  readonly chance: number
  /** The socket that the event is of. */
  readonly from: number
  readonly effects: Effect[] = []
  /** Subscriptions to fetch for when the transition ends, in one frame. */
  readonly pendingSyncs = new Set<number>()
  /** Subscriptions that took too long to start: as many others may be asked for instead. */
  resumeSlots = 0
  /** Something in the outbox may go out when the transition ends. */
  outboxDirty = false
  state: SessionState
  readonly #copies = new Set<unknown>()

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
  /** Sends one message with these frames, or a part of one. */
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
  /** Leaves no timer and no socket. */
  disconnect(): void {
    this.patch({ handover: null })
    this.emit({ type: 'cancel-all' })
    this.emit({ type: 'disconnect' })
  }
  /** Makes a socket and returns its number. */
  connect(): number {
    const socket = this.state.lastSocket + 1
    this.patch({ lastSocket: socket })
    this.emit({ type: 'connect', socket })
    return socket
  }
  /** An id for a frame of the session's own. The application's ids are numbers, these are texts. */
  nextId(prefix: 'hello' | 'sync' | 'auth' | 'chunk'): string {
    this.patch({ serial: this.state.serial + 1 })
    return `${prefix}-${this.state.serial}`
  }

  putCall(call: PendingCall): void {
    this.#own('calls', this.state.calls).set(call.id, call)
  }
  dropCall(id: number): void {
    if (this.state.calls.get(id)?.orderingKey !== undefined) this.outboxDirty = true // the next of its orderingKey
    this.#own('calls', this.state.calls).delete(id)
    this.cancelOf(id, 'deadline', 'resend')
  }
  putSubscription(subscription: Subscription): void {
    this.#own('subscriptions', this.state.subscriptions).set(subscription.id, subscription)
  }
  dropSubscription(id: number): void {
    this.#own('subscriptions', this.state.subscriptions).delete(id)
    this.cancelOf(id, 'started', 'gap', 'alive')
  }

  /** A map of the state that this transition may change: a copy, made once. */
  #own<Value>(name: 'calls' | 'subscriptions', map: ReadonlyMap<number, Value>): Map<number, Value> {
    if (this.#copies.has(map)) return map as Map<number, Value>
    const copy = new Map(map)
    this.#copies.add(copy)
    this.patch({ [name]: copy })
    return copy
  }
}
