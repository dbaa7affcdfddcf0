import type { Transition } from '../machine/transition.ts'
import { syncAll } from '../subscriptions/sync.ts'

const keepaliveMs = 270_000 // 4.5 min: the gateway closes a socket that was silent for 10
const spread = 0.2 // ± 20 %, so that clients that came together do not ping together
const shortestMs = 1_000 // 1 s, whatever a server wants
const answerMs = 15_000 // a sync may meet a cold function
const watchMs = 60_000 // a minute: browsers let a hidden page's timers run no oftener

/** Sets the next keepalive: as often as the subscription needs it that needs it most. [TL-PRES-5] */
export function armKeepalive(transition: Transition): void {
  const ms = waitOf(transition)
  transition.patch({ keepaliveAt: transition.now + ms })
  transition.arm({ kind: 'ping' }, ms)
}

function waitOf({ state, chance }: Transition): number {
  const wanted = [...state.subscriptions.values()].map((each) => each.keepaliveMs ?? keepaliveMs)
  const ms = Math.max(shortestMs, Math.min(keepaliveMs, ...wanted))
  return Math.round(ms * (1 - spread + 2 * spread * chance))
}

/** Moves the next keepalive forward when a subscription now needs a shorter interval. It never moves it back. */
export function hastenKeepalive(transition: Transition): void {
  if (!transition.state.probing && transition.now + waitOf(transition) < transition.state.keepaliveAt)
    armKeepalive(transition)
}

/** Asks where each live log stands, since a lost tail is seen by nothing else [LAW-SYNC-HEADS] [TL-SYNC-5]; with none, pings. */
export function keepAlive(transition: Transition): void {
  transition.patch({ probing: true })
  transition.arm({ kind: 'pong' }, answerMs)
  if (!syncAll(transition)) transition.send({ method: 'ping' }, ['ping'])
}

/** Whatever the socket says, it lives. [TL-PING-3] */
export function onSocketActivity(transition: Transition): void {
  if (!transition.state.probing || transition.from !== transition.state.socket) return
  transition.patch({ probing: false })
  transition.cancel({ kind: 'pong' })
  armKeepalive(transition)
}

/** Watches for a machine that sleeps: its timers come late, and its socket may be long gone. */
export function armWatch(transition: Transition): void {
  transition.patch({ watchedAt: transition.now })
  transition.arm({ kind: 'watch' }, watchMs)
}

/** Whether the watch came so late that the machine must have slept. [TL-SYNC-6] */
export function hasSlept({ now, state }: Transition): boolean {
  return now - state.watchedAt > 2 * watchMs
}
