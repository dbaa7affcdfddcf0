import { base64url, decodeJwt, SignJWT } from 'jose'
import { beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { anonymous, type ConnectRequest, type CreateContextOptions, deny } from '../define/identity.ts'
import type { Json } from '../define/json.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import { memoryTicketStore } from './ticket-store.ts'
import { createTicketIssuer, TicketUncheckedError, ticketAuthorizer } from './tickets.ts'

const key = new Uint8Array(32).fill(7)
const clock = { time: 1_800_000_000_500, now: () => clock.time }
const issuedAt = new Date(1_799_999_000_000)
const caller = { principal: 'ann', claims: { room: 'lobby' }, expiresAt: new Date(1_800_000_600_000), issuedAt }

let logged: LogEntry[]
beforeEach(() => {
  clock.time = 1_800_000_000_500
  logged = []
})

const issuer = createTicketIssuer({ key, clock })
const authorizer = (overrides: Partial<Parameters<typeof ticketAuthorizer>[0]> = {}) =>
  ticketAuthorizer({
    key,
    store: memoryTicketStore({ clock }),
    clock,
    log: (entry) => logged.push(entry),
    ...overrides,
  })
const requestWith = (token: string | undefined): ConnectRequest => ({
  ...{ token, headers: {}, subprotocols: [], query: {}, cookies: {}, origin: undefined, sourceIp: '192.0.2.1' },
})

/** A ticket signed by hand. */
const forge = (claims: object, header: object = {}) =>
  new SignJWT({ jti: 'a', sub: 'ann', iat: 1_800_000_000, exp: 1_800_000_030, until: 1_800_000_600_000, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'trunkline-ticket+jwt', ...header })
    .sign(key)

describe('a ticket', () => {
  it('names the caller that it was issued for', async () => {
    expect(await authorizer()(requestWith(await issuer.issue(caller)))).toEqual(caller)
  })

  it('passes once, also when it is sent twice at the same time', async () => {
    const authorize = authorizer()
    const ticket = await issuer.issue(caller)
    const results = await Promise.all([1, 2, 3].map(() => authorize(requestWith(ticket))))
    expect(results.filter((result) => typeof result === 'object' && 'principal' in result)).toHaveLength(1)
    expect(await authorize(requestWith(ticket))).toEqual(deny('This ticket was used before.'))
    expect(logged[0]).toMatchObject({ level: 'WARN', facts: { refusal: 'used' } })
    expect(JSON.stringify(logged)).not.toContain(ticket.split('.')[1])
  })

  it('says when it was issued, if its caller does not', async () => {
    const { issuedAt: _, ...rest } = caller
    expect(await authorizer()(requestWith(await issuer.issue(rest)))).toEqual({
      ...rest,
      issuedAt: new Date(1_800_000_000_000),
    })
  })

  it('is unlike every other ticket of the same caller', async () => {
    const authorize = authorizer()
    for (let n = 0; n < 3; n++) expect(await authorize(requestWith(await issuer.issue(caller)))).toEqual(caller)
  })

  it.each([
    [undefined, 30],
    [5, 5],
  ])('of a lifetime of %j s can be used for at most %i s', async (lifetimeSeconds, seconds) => {
    const ticket = await createTicketIssuer({ key, clock, ...(lifetimeSeconds && { lifetimeSeconds }) }).issue(caller)
    clock.time += seconds * 1_000 - 600
    expect(await authorizer()(requestWith(ticket))).toEqual(caller)
    clock.time += 600
    expect(await authorizer()(requestWith(ticket))).toEqual(deny('This ticket has expired.'))
  })

  it('is remembered longer than it can be used', async () => {
    const remembered: number[] = []
    const store = { redeem: async (_: string, expires: number) => remembered.push(expires) > 0 }
    await authorizer({ store })(requestWith(await issuer.issue(caller)))
    expect(remembered).toEqual([1_800_000_090])
  })

  it('of a replaced key passes while the authorizer has both', async () => {
    const newer = 'a new secret, which is a text of 32 bytes or more'
    const fresh = createTicketIssuer({ key: [newer, key], clock })
    const both = authorizer({ key: [newer, key] })
    for (const ticket of [await fresh.issue(caller), await issuer.issue(caller)])
      expect(await both(requestWith(ticket))).toEqual(caller)
    expect(await authorizer({ key: newer })(requestWith(await issuer.issue(caller)))).toEqual(
      deny('This is not a ticket of this line.'),
    )
  })

  it('hides nothing of its claims from its holder', async () => {
    expect(decodeJwt(await issuer.issue(caller))).toMatchObject({ sub: 'ann', claims: { room: 'lobby' } })
  })
})

it('the claims are parsed, and have the type that the parser gives them', async () => {
  const claims = (issued: Json) => ({ room: String(Object(issued).room).toUpperCase() })
  const authorize = ticketAuthorizer({ key, clock, store: memoryTicketStore({ clock }), claims })
  expect(await authorize(requestWith(await issuer.issue(caller)))).toEqual({ ...caller, claims: { room: 'LOBBY' } })
  expectTypeOf<CreateContextOptions<typeof authorize>['claims']>().toEqualTypeOf<{ room: string }>()
})

describe('what is no ticket of this line is refused', () => {
  const invalid = deny('This is not a ticket of this line.')

  it.each<[what: string, make: () => Promise<string> | string]>([
    ['a text', () => 'wrong'],
    ['an empty text', () => ''],
    ['a text of 1 MB', () => 'x'.repeat(1_000_000)],
    ['a ticket of another key', () => createTicketIssuer({ key: new Uint8Array(32), clock }).issue(caller)],
    ['another kind of token of the same key', () => forge({}, { typ: 'JWT' })],
    ['a ticket that is not signed', () => `${base64url.encode('{"alg":"none","typ":"trunkline-ticket+jwt"}')}.e30.`],
    ['a ticket of a day', () => forge({ exp: 1_800_086_400 })],
    ['a ticket without an end', () => forge({ exp: undefined })],
    ['a ticket without an id', () => forge({ jti: undefined })],
    ['a ticket without an end of the authority', () => forge({ until: undefined })],
  ])('%s', async (_, make) => {
    expect(await authorizer()(requestWith(await make()))).toEqual(invalid)
  })

  it('and reaches no store', async () => {
    const store = { redeem: () => Promise.reject(new Error('reached')) }
    clock.time += 60_000
    const late = await forge({})
    expect(await authorizer({ store })(requestWith(late))).toEqual(deny('This ticket has expired.'))
    expect(await authorizer({ store })(requestWith('wrong'))).toEqual(invalid)
  })
})

it('a store that fails fails the attempt to connect, and says nothing of itself to the client', async () => {
  const store = { redeem: () => Promise.reject(new Error('arn:aws:dynamodb:table is gone')) }
  const failing = authorizer({ store })(requestWith(await issuer.issue(caller)))
  await expect(failing).rejects.toThrow(TicketUncheckedError)
  await expect(failing).rejects.toThrow('the store of used tickets is unavailable.')
  expect(logged).toMatchObject([{ level: 'ERROR', facts: { error: 'Error: arn:aws:dynamodb:table is gone' } }])
})

it('a caller without a ticket is refused, or anonymous where that is allowed', async () => {
  expect(await authorizer()(requestWith(undefined))).toEqual(deny('No ticket was sent.'))
  const authorize = ticketAuthorizer({ key, store: memoryTicketStore(), anonymous: true })
  expect(await authorize(requestWith(undefined))).toBe(anonymous)
  expectTypeOf<CreateContextOptions<typeof authorize>['principal']>().toEqualTypeOf<string | null>()
})

it('a ticket of a stock client comes as the connection parameter `token`', async () => {
  const authorize = authorizer()
  expect(await authorize({ ...requestWith(undefined), announcesParams: true })).toBe(anonymous)
  const connectionParams = { token: await issuer.issue(caller) }
  expect(await authorize({ ...requestWith(undefined), connectionParams })).toEqual(caller)
  for (const none of [null, {}, { other: 'x' }])
    expect(await authorize({ ...requestWith(undefined), connectionParams: none })).toEqual(deny('No ticket was sent.'))
})

it('the memory forgets tickets that have expired', async () => {
  const store = memoryTicketStore({ clock })
  expect(await store.redeem('a', 1_800_000_060)).toBe(true)
  expect(await store.redeem('a', 1_800_000_060)).toBe(false)
  clock.time += 61_000
  expect(await store.redeem('a', 1_800_000_160)).toBe(true)
})

describe('options and callers are refused with what to do', () => {
  it.each<[make: () => unknown, message: string]>([
    [
      () => createTicketIssuer({ key: undefined as never }),
      'Expected key to be a secret of at least 32 bytes, got undefined.',
    ],
    [() => createTicketIssuer({ key: [] }), 'Expected key to be a secret of at least 32 bytes, got none.'],
    [() => createTicketIssuer({ key: 'short' }), 'got 5 bytes. Make one with: openssl rand -base64 32'],
    [
      () => createTicketIssuer({ key, lifetimeSeconds: 31 }),
      'Expected lifetimeSeconds to be a whole number from 1 to 30',
    ],
    [() => ticketAuthorizer({ key: [key, 'short'], store: memoryTicketStore() }), 'got 32 bytes, 5 bytes.'],
    [() => ticketAuthorizer({ key, store: undefined as never }), 'Pass dynamoTicketStore().'],
  ])('%s', (make, message) => {
    expect(make).toThrow(message)
  })

  it.each<[change: object, message: string]>([
    [{ principal: '' }, 'Expected principal to be a text, got "".'],
    [{ expiresAt: 1_800_000_600 }, 'Expected expiresAt to be a Date in the future, got 1800000600.'],
    [{ expiresAt: new Date(1_800_000_000_000) }, 'Expected expiresAt to be a Date in the future'],
    [{ claims: 'x'.repeat(7_000) }, 'Expected a ticket of at most 7,000 bytes, got'],
  ])('%j', async (change, message) => {
    await expect(issuer.issue({ ...caller, ...change } as never)).rejects.toThrow(message)
  })
})
