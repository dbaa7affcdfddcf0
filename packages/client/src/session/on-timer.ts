import { askAgain, expireCall } from './calls/call-answer.ts'
import { finishClosing } from './lifecycle/close.ts'
import { beginHandover, takeDrainTimer } from './lifecycle/handover.ts'
import { wake } from './lifecycle/handshake.ts'
import { armWatch, hasSlept, keepAlive } from './lifecycle/keepalive.ts'
import { giveUpSocket } from './lifecycle/reconnect.ts'
import { postponeRenewal, renewAuthority } from './lifecycle/renew-auth.ts'
import type { Timer } from './machine/events.ts'
import { askTime } from './machine/server-time.ts'
import type { Turn } from './machine/transition.ts'
import { takeHoleTimer, takeSilence } from './subscriptions/generator.ts'
import { takeStartedTimer } from './subscriptions/subscriptions.ts'
import { takeGapTimer } from './subscriptions/sync.ts'

/** What each timer means when it fires. One that belongs to something that is over by now means nothing. */
export function takeTimer(turn: Turn, timer: Timer) {
  const id = 'id' in timer ? timer.id : Number.NaN
  const call = turn.state.calls.get(id)
  const subscription = turn.state.subscriptions.get(id)
  switch (timer.kind) {
    case 'retry':
      return turn.emit({ type: 'admit', socket: turn.state.socket })
    case 'hello':
      return takeHelloTimer(turn)
    case 'stable':
      return turn.patch({ attempt: 0 })
    case 'ping':
      return keepAlive(turn)
    case 'pong':
      return giveUpSocket(turn, { code: 'network', message: 'The server did not answer a keepalive.' })
    case 'watch':
      return takeWatch(turn)
    case 'renew':
      return renewAuthority(turn)
    case 'auth':
      return postponeRenewal(turn)
    case 'handover':
      return beginHandover(turn)
    case 'drain':
      return takeDrainTimer(turn)
    case 'close':
      return finishClosing(turn)
    case 'deadline':
      return call && expireCall(turn, call)
    case 'again':
      return call && askAgain(turn, call)
    case 'started':
      return subscription && takeStartedTimer(turn, subscription)
    case 'gap':
      if (subscription?.kind === 'generator') return takeHoleTimer(turn, { ...subscription, fetch: 'none' })
      return subscription && takeGapTimer(turn, subscription)
    case 'alive':
      return subscription && takeSilence(turn, subscription)
  }
}

/** A greeting that is not answered costs the socket; another `hello` is sent again, and the keepalive says whether the socket lives. */
function takeHelloTimer(turn: Turn) {
  const { phase, handover } = turn.state
  if (phase === 'open' && handover?.phase !== 'greeting') return askTime(turn)
  giveUpSocket(turn, { code: 'server', message: 'The server did not answer hello.' })
}

function takeWatch(turn: Turn): void {
  if (hasSlept(turn)) wake(turn)
  armWatch(turn)
}
