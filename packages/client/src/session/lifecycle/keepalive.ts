import type { Transition } from '../machine/transition.ts'
import { syncAll } from '../subscriptions/sync.ts'

const spread = 0.2 // ± 20 %, so that clients that connected together do not ping together
const minMs = 1_000 // 1 s, even when the server asks for less
const watchMs = 60_000 // 60 s: browsers run the timers of a hidden page once a minute

/**
 * Schedules the next keepalive, after the shortest interval that any subscription needs. [TL-PRES-5] Over HTTP, polls
 * are enough where none needs a shorter one.
 */
export function armKeepalive(transition: Transition): void {
  const ms = keepaliveDelayMs(transition)
  transition.patch({ keepaliveAt: transition.now + ms })
  if (ms < Number.POSITIVE_INFINITY) transition.arm({ kind: 'ping' }, ms)
}

function keepaliveDelayMs({ state, chance }: Transition): number {
  const keepaliveMs = state.polls ? Number.POSITIVE_INFINITY : state.settings.keepaliveMs
  const intervals = [...state.subscriptions.values()].map((each) => each.keepaliveMs ?? keepaliveMs)
  const ms = Math.max(minMs, Math.min(keepaliveMs, ...intervals))
  return Math.round(ms * (1 - spread + 2 * spread * chance))
}

/** Moves the next keepalive forward when a subscription now needs a shorter interval. It never moves it back. */
export function hastenKeepalive(transition: Transition): void {
  if (!transition.state.probing && transition.now + keepaliveDelayMs(transition) < transition.state.keepaliveAt)
    armKeepalive(transition)
}

/**
 * Sends a keepalive: a `sync` of all live logs, since nothing else detects that the last events were lost
 * [LAW-SYNC-HEADS] [TL-SYNC-5], or a `ping` when there is no log. Over HTTP it is a poll, and the transport detects
 * that the server does not answer.
 */
export function keepAlive(transition: Transition): void {
  if (transition.state.polls) {
    armKeepalive(transition)
    return void syncAll(transition)
  }
  transition.patch({ probing: true })
  transition.arm({ kind: 'pong' }, transition.state.settings.keepaliveTimeoutMs)
  if (!syncAll(transition)) transition.send({ method: 'ping' }, ['ping'])
}

/** Any message shows that the socket works. [TL-PING-3] */
export function onSocketActivity(transition: Transition): void {
  if (!transition.state.probing || transition.from !== transition.state.socket) return
  transition.patch({ probing: false })
  transition.cancel({ kind: 'pong' })
  armKeepalive(transition)
}

/** Arms the timer that detects a suspended machine: the timer fires late, and the socket may be lost. */
export function armWatch(transition: Transition): void {
  transition.patch({ watchedAt: transition.now })
  transition.arm({ kind: 'watch' }, watchMs)
}

/** Whether the timer fired so late that the machine must have been suspended. [TL-SYNC-6] */
export function hasSlept({ now, state }: Transition): boolean {
  return now - state.watchedAt > 2 * watchMs
}
