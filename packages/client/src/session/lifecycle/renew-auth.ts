import { type ErrorFrame, tokenFlaw, utf8Bytes } from '@trunkline/protocol'
import { requeueUnauthorized } from '../calls/calls.ts'
import { backoffMs } from '../machine/backoff.ts'
import { sizeProblem } from '../machine/send-frame.ts'
import { type AuthState, canSend } from '../machine/state.ts'
import type { Transition } from '../machine/transition.ts'
import { resumeAll } from '../subscriptions/resume.ts'
import { syncAll } from '../subscriptions/sync.ts'
import { beginHandover } from './handover.ts'
import { dropSocket, onRefusal } from './reconnect.ts'

const minMs = 10_000 // 10 s: renewals are never closer, even when the server grants less
const answerMs = 15_000 // 15 s: for the application's token and the server's answer together, with a cold start

/**
 * Stores the expiry that the server granted by `hello` or `auth`, and schedules the next renewal after 72 to 88 % of
 * the remaining time. The spread keeps clients that connected together from renewing together.
 */
export function scheduleRenewal(transition: Transition, expires: number | undefined) {
  transition.cancel({ kind: 'auth' })
  transition.cancel({ kind: 'renew' })
  change(transition, { expires: expires ?? null, renewal: 'none', failures: 0 })
  if (expires === undefined) return
  const lifeMs = expires - serverNow(transition)
  transition.arm({ kind: 'renew' }, Math.round(Math.max(minMs, lifeMs * 0.8 * (0.9 + 0.2 * transition.chance))))
}

/**
 * Renews the authorization of the open socket, unless a renewal is in progress. After a renewal less than 10 s ago,
 * only sends the refused calls again, unless the authorization has expired since: a device's clock may stop while it
 * sleeps.
 */
export function renewAuth(transition: Transition) {
  const { auth, signIns } = transition.state
  const { renewal, renewedAt } = auth
  if (!canSend(transition.state) || renewal !== 'none' || signIns.length > 0) return // [TL-SIGN-1]
  if (transition.now - renewedAt < minMs && !hasExpired(transition)) return resendWaiting(transition)
  transition.cancel({ kind: 'renew' })
  change(transition, { renewal: 'asking' })
  transition.arm({ kind: 'auth' }, answerMs)
  transition.emit({ type: 'ask-token' })
}

/**
 * Sends the application's token by `auth`. Null closes the connection. Undefined means that the connection has no
 * `token` option, so only the handshake of a new socket can renew the authorization.
 */
export function onToken(transition: Transition, token: string | null | undefined) {
  if (transition.state.auth.renewal !== 'asking' || !canSend(transition.state)) return
  if (token === null)
    return onRefusal(transition, { code: 'closed-by-you', message: 'The application returned no token.' })
  if (token === undefined) return renewByHandover(transition)
  const id = transition.nextId('auth')
  const text = JSON.stringify({ id, method: 'auth', params: { token } })
  const problem = tokenFlaw(token) ?? sizeProblem(utf8Bytes(text), transition.state.frameBytes) // [TL-LIM-9]
  if (problem !== undefined) return rejectToken(transition, problem)
  change(transition, { renewal: 'sent' })
  transition.send(text, [id])
}

/** Reports a token that cannot be sent, and schedules another renewal while the authorization lasts. */
function rejectToken(transition: Transition, problem: string) {
  transition.emit({ type: 'protocol-error', message: problem })
  postponeRenewal(transition, problem)
}

/** [TL-AUTH-3] After a renewal, sends the refused calls again and requests the events that the server held back. */
export function onAuthorized(transition: Transition, expires: number): void {
  if (transition.state.auth.renewal !== 'sent') return
  scheduleRenewal(transition, expires)
  change(transition, { renewedAt: transition.now })
  resendWaiting(transition)
  syncAll(transition, 'repeat')
}

/** Handles a failed `auth`: a refused token closes the connection, any other error is retried. */
export function onAuthError(transition: Transition, { error, line, refused }: ErrorFrame): void {
  if (transition.state.auth.renewal !== 'sent') return
  if (refused !== undefined)
    onRefusal(transition, { code: 'refused', message: refused }) // [TL-AUTH-4]
  else if (line === undefined && isUnauthorized(error))
    onRefusal(transition, { code: 'refused', message: 'The server refused the token.' })
  else postponeRenewal(transition, undefined, line?.retryAfterMs) // [TL-AUTH-5]
}

/**
 * Retries a renewal without a token or an answer, `waitMs` from now or later, until the authorization expires. Then it
 * drops the socket.
 */
export function postponeRenewal(transition: Transition, problem?: string, waitMs = 0) {
  const { renewal, expires, failures } = transition.state.auth
  if (renewal === 'none' || !canSend(transition.state)) return
  if (expires === null || hasExpired(transition)) {
    const detail = problem === undefined ? '.' : `: ${problem}`
    return dropSocket(transition, {
      code: 'server',
      message: `The authorization expired and could not be renewed${detail}`,
    })
  }
  change(transition, { renewal: 'none', failures: failures + 1 })
  transition.cancel({ kind: 'auth' })
  transition.arm({ kind: 'renew' }, Math.max(waitMs, backoffMs(transition, failures + 1)))
}

function renewByHandover(transition: Transition): void {
  transition.cancel({ kind: 'auth' })
  change(transition, { renewal: 'none' })
  beginHandover(transition)
}

/** Sends again the calls that were refused or lost, and all waiting subscriptions. */
export function resendWaiting(transition: Transition): void {
  requeueUnauthorized(transition)
  resumeAll(transition)
}

/**
 * Whether an error shape without a reason says UNAUTHORIZED. The router's transformer may have changed the shape, so
 * this searches its text. When it finds nothing, the renewal is retried and the next handshake decides.
 */
function isUnauthorized(shape: unknown): boolean {
  return JSON.stringify(shape)?.includes('"UNAUTHORIZED"') ?? false
}

/** Whether the authorization has expired, by the server's time. False while its expiry is unknown. */
function hasExpired(transition: Transition): boolean {
  const { expires } = transition.state.auth
  return expires !== null && serverNow(transition) >= expires
}

function serverNow({ now, state }: Transition): number {
  return now + state.aheadMs
}

function change(transition: Transition, change: Partial<AuthState>): void {
  transition.patch({ auth: { ...transition.state.auth, ...change } })
}
