import type { ClientFrame } from '@trunkline/protocol'
import type { ConnectionState } from './connection-state.ts'
import type { Effect } from './session-effect.ts'
import { type SessionEvent, socketTimers, type Timer } from './session-event.ts'
import type { FrameName, PendingCall, SessionState, Subscription } from './session-state.ts'
import { unansweredAt } from './unanswered.ts'

/** One step in the making: the state as changed so far and the effects gathered. It lives no longer than the step, so that the step is pure: what it was given is never changed, and each map is copied at its first change only. */
export class Turn {
  /** The monotonic clock: every wait and every difference is measured by it. */
  readonly now: number
  /** The wall clock, in epoch milliseconds. */
  readonly wall: number
  readonly chance: number
  /** The socket that the event is of. */
  readonly from: number
  readonly effects: Effect[] = []
  /** Subscriptions to fetch for when the turn ends, in one frame. */
  readonly wanted = new Set<number>()
  /** Subscriptions that took too long to start: as many others may be asked for instead. */
  places = 0
  /** Something in the outbox may go out when the turn ends. */
  moved = false
  state: SessionState
  #calls: Map<number, PendingCall> | undefined
  #subscriptions: Map<number, Subscription> | undefined

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
  show(status: ConnectionState): void {
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
  cancelSocketTimers(): void {
    for (const kind of socketTimers) this.cancel({ kind })
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
    this.#ownCalls().set(call.id, call)
  }
  dropCall(id: number): void {
    if (this.state.calls.get(id)?.lane !== undefined) this.moved = true // the next of its lane
    this.#ownCalls().delete(id)
    this.cancel({ kind: 'deadline', id })
    this.cancel({ kind: 'again', id })
  }
  putSubscription(subscription: Subscription): void {
    this.#ownSubscriptions().set(subscription.id, subscription)
  }
  dropSubscription(id: number): void {
    this.#ownSubscriptions().delete(id)
    this.cancel({ kind: 'started', id })
    this.cancel({ kind: 'gap', id })
    this.cancel({ kind: 'alive', id })
  }

  #ownCalls(): Map<number, PendingCall> {
    const own = this.#calls ?? new Map(this.state.calls)
    if (this.#calls === undefined) this.patch({ calls: own })
    this.#calls = own
    return own
  }
  #ownSubscriptions(): Map<number, Subscription> {
    const own = this.#subscriptions ?? new Map(this.state.subscriptions)
    if (this.#subscriptions === undefined) this.patch({ subscriptions: own })
    this.#subscriptions = own
    return own
  }
}
