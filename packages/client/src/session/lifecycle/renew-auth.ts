import { type ErrorFrame, tokenFlaw, utf8Bytes } from '@trunkline/protocol'
import { readmitCalls } from '../calls/calls.ts'
import { backoffMs } from '../machine/backoff.ts'
import { sizeRefusal } from '../machine/send-frame.ts'
import { type Authority, hasSocket } from '../machine/state.ts'
import type { Turn } from '../machine/transition.ts'
import { resumeAll } from '../subscriptions/resume.ts'
import { syncAll } from '../subscriptions/sync.ts'
import { beginHandover } from './handover.ts'
import { giveUpSocket, takeRefusal } from './reconnect.ts'

const shortestMs = 10_000 // between two renewals, whatever the server says
const answerMs = 15_000 // what the application and the server have together, a cold function included

/** Remembers what the server granted, at a handshake or by `auth`, and sets the next renewal: at 72 to 88 % of what is left, so that clients that came together do not renew together. */
export function noteAuthority(turn: Turn, expires: number | undefined) {
  turn.cancel({ kind: 'auth' })
  turn.cancel({ kind: 'renew' })
  change(turn, { expires: expires ?? null, renewal: 'none', failures: 0 })
  if (expires === undefined) return
  const lifeMs = expires - serverNow(turn)
  turn.arm({ kind: 'renew' }, Math.round(Math.max(shortestMs, lifeMs * 0.8 * (0.9 + 0.2 * turn.chance))))
}

/** Begins to renew the authority of the living socket, unless that is under way or was just done: then what was refused goes out again at once. */
export function renewAuthority(turn: Turn) {
  const { renewal, renewedAt } = turn.state.authority
  if (!hasSocket(turn.state) || renewal !== 'none') return
  if (turn.now - renewedAt < shortestMs) return readmit(turn)
  turn.cancel({ kind: 'renew' })
  change(turn, { renewal: 'asking' })
  turn.arm({ kind: 'auth' }, answerMs)
  turn.emit({ type: 'ask-token' })
}

/** The application gave its token: the server is asked to take it. Without any, only another handshake brings a fresh authority. */
export function takeToken(turn: Turn, token: string | null | undefined) {
  if (turn.state.authority.renewal !== 'asking' || !hasSocket(turn.state)) return
  if (token === null)
    return takeRefusal(turn, { code: 'closed-by-you', message: 'The application has no token any more.' })
  if (token === undefined) return renewByHandover(turn)
  const id = turn.nextId('auth')
  const text = JSON.stringify({ id, method: 'auth', params: { token } })
  const problem = tokenFlaw(token) ?? sizeRefusal(utf8Bytes(text), turn.state.frameBytes) // [TL-LIM-9]
  if (problem !== undefined) return refuseToken(turn, problem)
  change(turn, { renewal: 'sent' })
  turn.send(text, [id])
}

/** The token cannot be sent. Reports that at once, and asks for another one while the authority lasts. */
function refuseToken(turn: Turn, problem: string) {
  turn.emit({ type: 'protocol-error', message: problem })
  postponeRenewal(turn, problem)
}

/** [TL-AUTH-3] Under the fresh authority, what was refused is sent again and what was withheld is asked for. */
export function takeAuthorized(turn: Turn, expires: number): void {
  if (turn.state.authority.renewal !== 'sent') return
  noteAuthority(turn, expires)
  change(turn, { renewedAt: turn.now })
  readmit(turn)
  syncAll(turn, 'afresh')
}

/** The server did not take the token: for good, or for a reason that passes. */
export function takeAuthError(turn: Turn, { error, line, refused }: ErrorFrame): void {
  if (turn.state.authority.renewal !== 'sent') return
  if (refused !== undefined)
    takeRefusal(turn, { code: 'refused', message: refused }) // [TL-AUTH-4]
  else if (line === undefined && isUnauthorized(error))
    takeRefusal(turn, { code: 'refused', message: 'The server refused the token.' })
  else postponeRenewal(turn)
}

/** No token, or no answer: tries again until the authority has expired, then with another socket. */
export function postponeRenewal(turn: Turn, problem?: string) {
  const { renewal, expires, failures } = turn.state.authority
  if (renewal === 'none' || !hasSocket(turn.state)) return
  if (expires === null || serverNow(turn) >= expires) {
    const why = problem === undefined ? '.' : `: ${problem}`
    return giveUpSocket(turn, { code: 'server', message: `The authority expired and could not be renewed${why}` })
  }
  change(turn, { renewal: 'none', failures: failures + 1 })
  turn.cancel({ kind: 'auth' })
  turn.arm({ kind: 'renew' }, backoffMs(failures + 1, turn.chance))
}

function renewByHandover(turn: Turn): void {
  turn.cancel({ kind: 'auth' })
  change(turn, { renewal: 'none' })
  beginHandover(turn)
}

/** Sends again what was refused or lost, and asks for every subscription that waits. */
export function readmit(turn: Turn): void {
  readmitCalls(turn)
  resumeAll(turn)
}

/** Of a server that names no reason. The shape is the router's, in whatever form its transformer gave it; in doubt the failure is taken to pass, and the next handshake decides. */
function isUnauthorized(shape: unknown): boolean {
  return JSON.stringify(shape)?.includes('"UNAUTHORIZED"') ?? false
}

function serverNow({ now, state }: Turn): number {
  return now + state.aheadMs
}

function change(turn: Turn, change: Partial<Authority>): void {
  turn.patch({ authority: { ...turn.state.authority, ...change } })
}
