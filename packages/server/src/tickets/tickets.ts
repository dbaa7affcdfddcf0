import { checkOptionNames, tokenFlaw, withDocs } from '@trunkline/protocol'
import { anonymous, type ConnectRequest, type Denied, deny, type Identity, tokenOf } from '../define/identity.ts'
import type { Json } from '../define/json.ts'
import { checkNumber } from '../jwt/check-options.ts'
import type { WallClock } from '../ports/clock.ts'
import { logOnConsole } from '../ports/console-log.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { longestSeconds, readTicket, signTicket, type TicketKey, toKeys } from './ticket.ts'
import type { TicketStore } from './ticket-store.ts'

/** The options of a ticket issuer. */
export interface TicketIssuerOptions {
  /**
   * The secret that signs tickets, which `ticketAuthorizer` has too: at least 32 bytes, and one for each line. Of
   * several, the first signs.
   */
  readonly key: TicketKey | readonly TicketKey[]
  /** How long a ticket can be used, from 1 to 30 seconds. @default 30 */
  readonly lifetimeSeconds?: number
  /** @default the machine's clock */
  readonly clock?: WallClock
}

/** Issues tickets. */
export interface TicketIssuer {
  /**
   * Issues a ticket for a caller whom the application has authenticated. The client sends it as its token. Its holder
   * can read the claims. Rejects with a `TypeError` for an invalid caller, and with a `RangeError` for a ticket of more
   * than 7,000 bytes.
   */
  issue(caller: Identity<Json>): Promise<string>
}

/** Creates an issuer of tickets, for an HTTP endpoint of the application. Throws `TypeError` for an invalid option. */
export function createTicketIssuer(options: TicketIssuerOptions): TicketIssuer {
  checkOptionNames('createTicketIssuer', options, { key: true, lifetimeSeconds: true, clock: true })
  const { clock = { now: () => Date.now() }, lifetimeSeconds = longestSeconds } = options
  const [key] = toKeys(options.key) as [Uint8Array] // at least one
  const seconds = checkNumber('lifetimeSeconds', lifetimeSeconds, [1, longestSeconds])
  return {
    async issue(caller) {
      const nowMs = clock.now()
      checkCaller(caller, nowMs)
      const ticket = await signTicket(caller, key, { nowMs, seconds })
      if (tokenFlaw(ticket) !== undefined)
        throw new RangeError(
          withDocs(
            'options',
            `Expected a ticket of at most 7,000 bytes, got ${ticket.length}. Put an id into the claims and load the rest.`,
          ),
        )
      return ticket
    },
  }
}

function checkCaller({ principal, expiresAt }: Identity<Json>, nowMs: number): void {
  if (typeof principal !== 'string' || principal === '')
    throw new TypeError(
      withDocs(
        'options',
        `Expected principal to be a text, got ${JSON.stringify(principal)}. Set it to the caller's id.`,
      ),
    )
  const end = expiresAt instanceof Date ? expiresAt.getTime() : Number.NaN
  if (!(end > nowMs))
    throw new TypeError(
      withDocs(
        'options',
        `Expected expiresAt to be a Date in the future, got ${String(expiresAt)}. Set it to the end of the caller's session.`,
      ),
    )
}

/** The options of `ticketAuthorizer`. */
export interface TicketAuthorizerOptions<C extends Json = Json, A extends boolean = false> {
  /** The secret of the issuer. If there are several, each is accepted, so that a key can be replaced. */
  readonly key: TicketKey | readonly TicketKey[]
  /** Remembers the tickets that were used. */
  readonly store: TicketStore
  /** Parses the claims and gives them their type, for example by a schema. @default they stay as they were issued */
  readonly claims?: (claims: Json) => C
  /** True: a caller without a ticket is accepted as `anonymous`. @default false */
  readonly anonymous?: A
  /** Receives each refusal and each failure of the store, without the ticket. @default JSON lines on the console */
  readonly log?: (entry: LogEntry) => void
  /** @default the machine's clock */
  readonly clock?: WallClock
}

const authorizerNames: Readonly<Record<keyof TicketAuthorizerOptions, true>> = {
  ...{ key: true, store: true, claims: true, anonymous: true, log: true, clock: true },
}

/** The store failed, so it is unknown whether the ticket was used. The message is safe for clients. */
export class TicketUncheckedError extends Error {
  override readonly name = 'TicketUncheckedError'
  constructor(cause: unknown) {
    super(
      'The ticket could not be checked, because the store of used tickets is unavailable. Try again with another ticket.',
      { cause },
    )
  }
}

const reasons = {
  missing: 'No ticket was sent.',
  invalid: 'This is not a ticket of this line.',
  expired: 'This ticket has expired.',
  used: 'This ticket was used before.',
} as const

/** `authorize` for `createLambdaHandlers`. */
export type TicketAuthorizer<C extends Json, A extends boolean> = (
  request: ConnectRequest,
) => Promise<Identity<C> | Denied | (A extends true ? typeof anonymous : never)>

const rememberedSeconds = 60 // beyond the end of a ticket, for clocks that are apart

/**
 * Creates an `authorize` that accepts each ticket once, for a handshake or for `auth`. If the store fails, the returned
 * function rejects with a `TicketUncheckedError`: the handshake fails, and the client tries again with another ticket.
 * Throws a `TypeError` for an invalid option.
 */
export function ticketAuthorizer<C extends Json = Json, A extends boolean = false>(
  options: TicketAuthorizerOptions<C, A>,
): TicketAuthorizer<C, A> {
  checkOptionNames('ticketAuthorizer', options, authorizerNames)
  const { store, claims: parse, log = logOnConsole, clock = { now: () => Date.now() } } = options
  const keys = toKeys(options.key)
  if (typeof store?.redeem !== 'function')
    throw new TypeError(
      withDocs('options', 'Expected store to remember used tickets, got none. Pass dynamoTicketStore().'),
    )

  const refuse = (code: keyof typeof reasons): Denied => {
    const reason = reasons[code]
    log({ level: 'WARN', message: 'Refused a ticket.', facts: { refusal: code, reason } })
    return deny(reason)
  }
  const redeem = async (id: string, expires: number): Promise<boolean> => {
    try {
      return await store.redeem(id, expires)
    } catch (cause) {
      const message = 'A ticket could not be redeemed: connecting fails, and the client tries again with another one.'
      log({ level: 'ERROR', message, facts: { error: String(cause) } })
      throw new TicketUncheckedError(cause)
    }
  }
  const authorize = async (request: ConnectRequest): Promise<Identity<Json> | Denied | typeof anonymous> => {
    const { token, mayFollow } = tokenOf(request)
    if (token === undefined) return options.anonymous === true || mayFollow ? anonymous : refuse('missing')
    if (tokenFlaw(token) !== undefined) return refuse('invalid')
    const ticket = await readTicket(token, keys, clock.now())
    if (typeof ticket === 'string') return refuse(ticket)
    if (!(await redeem(ticket.id, ticket.exp + rememberedSeconds))) return refuse('used')
    const { principal, claims, expiresAt, issuedAt } = ticket
    return { principal, claims: parse === undefined ? claims : parse(claims), expiresAt, issuedAt }
  }
  return authorize as TicketAuthorizer<C, A> // `C` is what `parse` returns, and `anonymous` needs `A`
}
