import { randomUUID } from 'node:crypto'
import { withDocs } from '@trunkline/protocol'
import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Identity } from '../define/identity.ts'
import type { Json } from '../define/json.ts'

/** A secret of at least 32 bytes. A text counts as its UTF-8 bytes. */
export type TicketKey = string | Uint8Array

/** The longest life of a ticket, in seconds. */
export const longestSeconds = 30

const keyBytes = 32 // the length of the hash of HS256
const typ = 'trunkline-ticket+jwt' // so that no other token of the same key passes for a ticket

/** What a ticket holds. Its holder can read it. */
export interface Ticket extends Required<Identity<Json>> {
  readonly id: string
  /** Epoch seconds. */
  readonly exp: number
}

/** The keys as bytes. Throws a `TypeError` for one that is too short. */
export function toKeys(key: TicketKey | readonly TicketKey[] | undefined): readonly Uint8Array[] {
  const keys = [key].flat().map((each) => (typeof each === 'string' ? new TextEncoder().encode(each) : each))
  const found = keys.filter((each) => each instanceof Uint8Array && each.length >= keyBytes)
  if (found.length === keys.length && keys.length > 0) return found as readonly Uint8Array[]
  const came = keys.map((each) => (each instanceof Uint8Array ? `${each.length} bytes` : String(each)))
  throw new TypeError(
    withDocs(
      'options',
      `Expected key to be a secret of at least ${keyBytes} bytes, got ${came.join(', ') || 'none'}. Make one with: openssl rand -base64 32`,
    ),
  )
}

/** Signs a ticket of `seconds` with a key. */
export function signTicket(
  { principal, claims, expiresAt, issuedAt }: Identity<Json>,
  key: Uint8Array,
  { nowMs, seconds }: { readonly nowMs: number; readonly seconds: number },
): Promise<string> {
  const now = Math.floor(nowMs / 1_000)
  return new SignJWT({ claims, until: expiresAt.getTime(), issued: issuedAt?.getTime() } as JWTPayload)
    .setProtectedHeader({ alg: 'HS256', typ })
    .setJti(randomUUID())
    .setSubject(principal)
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(key)
}

/** Reads a ticket that one of the keys has signed: the ticket, or why it is refused. */
export async function readTicket(
  text: string,
  keys: readonly Uint8Array[],
  nowMs: number,
): Promise<Ticket | 'expired' | 'invalid'> {
  for (const key of keys) {
    try {
      const { payload } = await jwtVerify(text, key, { algorithms: ['HS256'], typ, currentDate: new Date(nowMs) })
      return toTicket(payload)
    } catch (error) {
      if (error instanceof errors.JWTExpired) return 'expired'
      if (error instanceof errors.JWSSignatureVerificationFailed) continue
      if (error instanceof errors.JOSEError) return 'invalid'
      throw error
    }
  }
  return 'invalid'
}

/** A ticket of a longer life than this library makes is refused, because its id would be forgotten too early. */
function toTicket({ jti, sub, iat, exp, claims, until, issued }: JWTPayload): Ticket | 'invalid' {
  if (jti === undefined || sub === undefined || iat === undefined || exp === undefined) return 'invalid'
  if (exp - iat > longestSeconds || typeof until !== 'number') return 'invalid'
  const issuedAt = new Date(typeof issued === 'number' ? issued : iat * 1_000)
  return { id: jti, exp, principal: sub, claims: (claims ?? null) as Json, expiresAt: new Date(until), issuedAt }
}
