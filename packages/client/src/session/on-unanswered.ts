import { isOn, requeueCalls } from './calls/calls.ts'
import type { FrameName } from './machine/events.ts'
import type { Transition } from './machine/transition.ts'
import { settleFrame } from './machine/unanswered.ts'
import { sendStop } from './subscriptions/subscriptions.ts'
import { onSyncEnd } from './subscriptions/sync.ts'

/**
 * Settles the frames of an HTTP request that was lost, and nothing else: a lost request is not a lost connection. Calls
 * are treated as after a lost socket. A subscribe, a stop and a `sync` are sent again; `hello` and `auth` have timers
 * of their own. The transport waits before it sends the next request. [TL-MOVE-2]
 */
export function onUnanswered(transition: Transition, frames: readonly FrameName[]): void {
  const { subscriptions, ended } = transition.state
  requeueCalls(transition, 'the request failed.', (call) => frames.includes(call.id) && isOn(call, transition.from))
  for (const name of frames) {
    settleFrame(transition, name)
    const text = String(name)
    const id = Number(text.slice(1))
    const stopped = ended.get(id)
    if (text.startsWith('sync')) onSyncEnd(transition, text)
    else if (text.startsWith('>') && subscriptions.get(id)?.phase === 'subscribing')
      transition.arm({ kind: 'started', id }, 0)
    else if (text.startsWith('.') && stopped) sendStop(transition, { id, ref: stopped.ref }, transition.from)
  }
}
