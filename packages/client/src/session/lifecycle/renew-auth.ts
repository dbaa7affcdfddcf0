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

const shortestMs = 10_000 // between two renewals, whatever the server says
const answerMs = 15_000 // what the application and the server have together, a cold function included

/** Remembers what the server granted, at a handshake or by `auth`, and sets the next renewal: at 72 to 88 % of what is left, so that clients that came together do not renew together. */
export function scheduleRenewal(transition: Transition, expires: number | undefined) {
  transition.cancel({ kind: 'auth' })
  transition.cancel({ kind: 'renew' })
  change(transition, { expires: expires ?? null, renewal: 'none', failures: 0 })
  if (expires === undefined) return
  const lifeMs = expires - serverNow(transition)
  transition.arm({ kind: 'renew' }, Math.round(Math.max(shortestMs, lifeMs * 0.8 * (0.9 + 0.2 * transition.chance))))
}

/** Begins to renew the authority of the living socket, unless that is under way or was just done: then what was refused goes out again at once. */
export function renewAuth(transition: Transition) {
  const { renewal, renewedAt } = transition.state.auth
  if (!canSend(transition.state) || renewal !== 'none') return
  if (transition.now - renewedAt < shortestMs) return resendWaiting(transition)
  transition.cancel({ kind: 'renew' })
  change(transition, { renewal: 'asking' })
  transition.arm({ kind: 'auth' }, answerMs)
  transition.emit({ type: 'ask-token' })
}

/** The application gave its token: the server is asked to take it. Without any, only another handshake brings a fresh authority. */
export function onToken(transition: Transition, token: string | null | undefined) {
  if (transition.state.auth.renewal !== 'asking' || !canSend(transition.state)) return
  if (token === null)
    return onRefusal(transition, { code: 'closed-by-you', message: 'The application has no token any more.' })
  if (token === undefined) return renewByHandover(transition)
  const id = transition.nextId('auth')
  const text = JSON.stringify({ id, method: 'auth', params: { token } })
  const problem = tokenFlaw(token) ?? sizeProblem(utf8Bytes(text), transition.state.frameBytes) // [TL-LIM-9]
  if (problem !== undefined) return rejectToken(transition, problem)
  change(transition, { renewal: 'sent' })
  transition.send(text, [id])
}

/** The token cannot be sent. Reports that at once, and asks for another one while the authority lasts. */
function rejectToken(transition: Transition, problem: string) {
  transition.emit({ type: 'protocol-error', message: problem })
  postponeRenewal(transition, problem)
}

/** [TL-AUTH-3] Under the fresh authority, what was refused is sent again and what was withheld is asked for. */
export function onAuthorized(transition: Transition, expires: number): void {
  if (transition.state.auth.renewal !== 'sent') return
  scheduleRenewal(transition, expires)
  change(transition, { renewedAt: transition.now })
  resendWaiting(transition)
  syncAll(transition, 'afresh')
}

/** The server did not take the token: for good, or for a reason that passes. */
export function onAuthError(transition: Transition, { error, line, refused }: ErrorFrame): void {
  if (transition.state.auth.renewal !== 'sent') return
  if (refused !== undefined)
    onRefusal(transition, { code: 'refused', message: refused }) // [TL-AUTH-4]
  else if (line === undefined && isUnauthorized(error))
    onRefusal(transition, { code: 'refused', message: 'The server refused the token.' })
  else postponeRenewal(transition)
}

/** No token, or no answer: tries again until the authority has expired, then with another socket. */
export function postponeRenewal(transition: Transition, problem?: string) {
  const { renewal, expires, failures } = transition.state.auth
  if (renewal === 'none' || !canSend(transition.state)) return
  if (expires === null || serverNow(transition) >= expires) {
    const why = problem === undefined ? '.' : `: ${problem}`
    return dropSocket(transition, { code: 'server', message: `The authority expired and could not be renewed${why}` })
  }
  change(transition, { renewal: 'none', failures: failures + 1 })
  transition.cancel({ kind: 'auth' })
  transition.arm({ kind: 'renew' }, backoffMs(failures + 1, transition.chance))
}

function renewByHandover(transition: Transition): void {
  transition.cancel({ kind: 'auth' })
  change(transition, { renewal: 'none' })
  beginHandover(transition)
}

/** Sends again what was refused or lost, and asks for every subscription that waits. */
export function resendWaiting(transition: Transition): void {
  requeueUnauthorized(transition)
  resumeAll(transition)
}

/** Of a server that names no reason. The shape is the router's, in whatever form its transformer gave it; in doubt the failure is taken to pass, and the next handshake decides. */
function isUnauthorized(shape: unknown): boolean {
  return JSON.stringify(shape)?.includes('"UNAUTHORIZED"') ?? false
}

function serverNow({ now, state }: Transition): number {
  return now + state.aheadMs
}

function change(transition: Transition, change: Partial<AuthState>): void {
  transition.patch({ auth: { ...transition.state.auth, ...change } })
}
