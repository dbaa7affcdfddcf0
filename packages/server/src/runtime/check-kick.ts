import { checkOptionNames, withDocs } from '@trunkline/protocol'
import type { KickOptions, RevokeOptions } from '../define/kick.ts'

const reasonBytes = 1_024 // it is in rows and in a frame
const aheadMs = 60_000 // the clock of a script may be wrong

const kickNames: Readonly<Record<Exclude<keyof CheckedKick, 'until'> | 'ban', true>> = {
  connection: true,
  principal: true,
  session: true,
  reason: true,
  ban: true,
}
const revokeNames: Readonly<Record<keyof RevokeOptions, true>> = { issuedBefore: true, reason: true }

/** The options of `kick`, checked: either `connection` or `principal` is given. `until` is in epoch milliseconds. */
export interface CheckedKick {
  readonly connection?: string
  readonly principal?: string
  readonly session?: string
  readonly reason: string
  readonly until: number | undefined
}

/** Throws a `TypeError` or a `RangeError` for invalid options. */
export function checkKick(given: KickOptions, now: number): CheckedKick {
  checkOptionNames('kick', given, kickNames)
  const { connection, principal, session, reason, ban } = given as Readonly<Record<string, unknown>>
  const target = checkTarget({ connection, principal, session })
  const until = ban === undefined ? undefined : checkDate('ban', ban, 'until when the ban lasts')
  if (until !== undefined && until <= now)
    throw new RangeError(
      withDocs(
        'options',
        `Expected ban to be in the future, got ${new Date(until).toISOString()}. Leave it out to kick without a ban.`,
      ),
    )
  return { ...target, reason: checkReason('kick', reason), until }
}

/** Throws a `TypeError` or a `RangeError` for invalid options. */
export function checkRevoke(given: RevokeOptions, now: number): { readonly at: number; readonly reason: string } {
  checkOptionNames('revoke', given, revokeNames)
  const { issuedBefore, reason = 'Access was revoked. Sign in again.' } = given as Partial<RevokeOptions>
  const at = checkDate('issuedBefore', issuedBefore, 'before which a token must have been issued to be refused')
  if (at > now + aheadMs)
    throw new RangeError(
      withDocs(
        'options',
        `Expected issuedBefore to be in the past, got ${new Date(at).toISOString()}. Use the present time to revoke every token.`,
      ),
    )
  return { at, reason: checkReason('revoke', reason) }
}

/** Throws a `TypeError` for anything but a text that is not empty. */
export function checkPrincipal(principal: unknown): asserts principal is string {
  if (typeof principal === 'string' && principal !== '') return
  throw new TypeError(
    withDocs('options', `Expected principal to be a text, got ${describe(principal)}. Use the principal of authorize.`),
  )
}

function checkTarget({
  connection,
  principal,
  session,
}: Readonly<Record<string, unknown>>): Omit<CheckedKick, 'reason' | 'until'> {
  if ((connection === undefined) === (principal === undefined))
    throw new TypeError(
      withDocs(
        'options',
        `Expected either connection or principal, got ${connection === undefined ? 'neither' : 'both'}. Kick one connection, or those of a principal.`,
      ),
    )
  if (connection !== undefined) {
    if (session !== undefined)
      throw new TypeError(
        withDocs('options', 'Expected session only with principal, got it with connection. Leave it out.'),
      )
    if (typeof connection === 'string' && connection !== '') return { connection }
    throw new TypeError(
      withDocs('options', `Expected connection to be the id of a connection, got ${describe(connection)}.`),
    )
  }
  checkPrincipal(principal)
  if (session === undefined) return { principal }
  if (typeof session === 'string' && /^[\w-]{22}$/.test(session)) return { principal, session }
  throw new TypeError(
    withDocs(
      'options',
      `Expected session to be the public id of a session, 22 characters of 0-9 A-Z a-z _ -, got ${describe(session)}. createContext gets it as sessionId.`,
    ),
  )
}

function checkReason(operation: string, reason: unknown): string {
  const bytes = typeof reason === 'string' ? Buffer.byteLength(reason) : 0
  if (typeof reason === 'string' && reason.trim() !== '' && bytes <= reasonBytes) return reason
  const got = bytes > reasonBytes ? `${bytes} bytes` : describe(reason)
  throw new TypeError(
    withDocs(
      'options',
      `Expected reason of ${operation} to be a text of 1 to ${reasonBytes} bytes, got ${got}. The client shows it to a person.`,
    ),
  )
}

function checkDate(name: string, value: unknown, what: string): number {
  const ms = value instanceof Date ? value.getTime() : Number.NaN
  if (Number.isFinite(ms)) return ms
  throw new TypeError(withDocs('options', `Expected ${name} to be a valid Date, ${what}, got ${describe(value)}.`))
}

function describe(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'another text'
  return value === null ? 'null' : value instanceof Date ? 'an invalid Date' : typeof value
}
