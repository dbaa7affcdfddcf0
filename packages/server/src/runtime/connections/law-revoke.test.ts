import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { anonymous } from '../../define/identity.ts'
import type { KickOptions } from '../../define/kick.ts'
import type { TestClient } from '../../lambda/test-line.suite.ts'
import type { Store } from '../../ports/store.ts'
import { createScheduleTable } from '../delivery/schedule-table.suite.ts'
import type { Exploration, Scheduler } from '../explore.suite.ts'
import { createRoom, type Room, subscribe, topic } from '../subscriptions/room.suite.ts'

const table = createScheduleTable('[LAW-REVOKE], kick ∥ connect ∥ subscribe')

beforeAll(() => void vi.spyOn(console, 'info').mockImplementation(() => {})) // each kick is audited
afterAll(() => vi.restoreAllMocks())

const start = 1_800_000_000_000
const hour = 3_600_000
const reason = 'spam'
const ban = new Date(start + 10 * hour)

interface Kicking extends Room {
  /** The connection `a` that is open before, if the exploration has one. */
  readonly first: TestClient | undefined
  /** The gateway has accepted them, and has not closed them. */
  readonly open: Set<string>
  /** Answers the handshake, as the gateway does it after `$connect`. */
  accept(client: TestClient): Promise<void>
}

type Wrap = (store: Store) => Store

/** Nothing depends on when they happen. */
const unnoticed: readonly (keyof Store)[] = ['deletePrincipalConnection', 'readSubscriptions']

/** `at` waits for the schedule at each close of a socket and at each acceptance. */
async function createKicking(scheduler: Scheduler, wrap: Wrap, token: string | undefined): Promise<Kicking> {
  const room = createRoom({
    scheduler,
    except: unnoticed,
    store: wrap,
    authorize: ({ token: given }) => {
      if (given === undefined) return anonymous
      const issuedAt = new Date(start + Number(given.split('/')[1] ?? 0))
      return { principal: 'ann', claims: {}, expiresAt: new Date(start + hour), issuedAt }
    },
  })
  const open = new Set<string>()
  const socket = (id: string) => ({ rows: [`SOCKET#${id}`], writes: true })
  room.gateway.disconnect = async (id) => {
    if (id !== 'a') await scheduler.at('disconnect', socket(id)) // nothing else touches the socket of `a`
    room.gateway.close(id)
    return open.delete(id) ? 'closed' : 'gone'
  }
  const accept = async ({ connectionId, result }: TestClient) => {
    if ((result as { readonly statusCode: number }).statusCode !== 200) return
    room.gateway.close(connectionId) // the gateway opens the socket later than `$connect` answers
    await scheduler.at('accept', socket(connectionId))
    room.gateway.open(connectionId)
    open.add(connectionId)
  }
  const first = token === undefined ? undefined : await room.connect({ connectionId: 'a', token })
  if (first !== undefined) open.add('a')
  return { ...room, first, open, accept }
}

const kick = (options: KickOptions) => (room: Kicking) =>
  room.line.withBackend(room.backend, () => room.line.kick(options))
const connect = (id: string) => async (room: Kicking) =>
  room.accept(await room.connect({ connectionId: id, token: 'ann' }))

interface Options extends Partial<Exploration<Kicking>> {
  readonly wrap?: Wrap
  /** The token of the connection that is open before. @default none is */
  readonly token?: string
}

const kicking = ({ wrap = (store) => store, token, ...rest }: Options): Exploration<Kicking> => ({
  world: (scheduler) => createKicking(scheduler, wrap, token),
  operations: {},
  idle: (room) => room.clock.advance(250),
  check(room, { thrown }) {
    expect([...thrown]).toEqual([])
    expect([...room.open]).toEqual([])
  },
  ...rest,
})

const all = { principal: 'ann', reason, ban } as const

describe('[LAW-REVOKE]: a kick with a ban leaves no connection open', () => {
  test('whose connect runs at the same time, also when the connect dies [PROOF-KICK]', () =>
    table.holds(
      'kick ∥ connect',
      kicking({ operations: { connect: connect('b'), kick: kick(all) }, kills: ['connect'] }),
    ))
  test('during a hand-over: both sockets are closed', () =>
    table.holds('kick ∥ hand-over', kicking({ token: 'ann', operations: { connect: connect('b'), kick: kick(all) } })))
  test('that comes back at once', () =>
    table.holds(
      'kick, then connect ∥ connect',
      kicking({
        operations: {
          kick: async (room) => {
            await kick(all)(room)
            await connect('b')(room)
          },
          connect: connect('c'),
        },
      }),
    ))
})

describe('[LAW-REVOKE]: a kick of one connection', () => {
  test('closes it whenever its connect runs, though no row leads to it', () =>
    table.holds(
      'kick of a connection ∥ its connect',
      kicking({
        operations: {
          connect: async (room) => room.accept(await room.connect({ connectionId: 'b' })),
          kick: kick({ connection: 'b', reason }),
        },
      }),
    ))
  test('leaves no row of a subscription that begins at the same time', () =>
    table.holds(
      'kick ∥ subscribe',
      kicking({
        token: 'ann',
        operations: {
          subscribe: async ({ first }) => first && subscribe(first),
          kick: kick({ connection: 'a', reason }),
        },
        async check({ store, open }) {
          expect([...open]).toEqual([])
          expect((await store.readSubscribers(topic, 0)).subscribers).toEqual([])
        },
      }),
    ))
})

describe('[LAW-REVOKE]: a revocation', () => {
  test('leaves no authority of an older token, whenever an auth brings it', () =>
    table.holds(
      'revoke ∥ auth with an older token',
      kicking({
        token: 'ann/9',
        operations: {
          auth: async ({ first }) => first?.send({ id: 4, method: 'auth', params: { token: 'ann/1' } }),
          revoke: (room) =>
            room.line.withBackend(room.backend, () => room.line.revoke('ann', { issuedBefore: new Date(start + 5) })),
        },
        async check({ store, open }) {
          const row = await store.readConnection('a')
          expect(row?.state === 'OPEN' ? row.issuedAt : start + 9).toBe(start + 9)
          expect(open.has('a')).toBe(row?.state === 'OPEN')
        },
      }),
    ))
})

/** Reads the restrictions before the connection's row is written, and answers with what was read then. */
const readsBefore: Wrap = (store) => {
  let read: ReturnType<Store['readRestrictions']> | undefined
  return {
    ...store,
    putConnection: async (row) => {
      read = row.connectionId === 'b' ? store.readRestrictions('ann') : read
      await read
      return store.putConnection(row)
    },
    readRestrictions: async (principal) => (await read) ?? store.readRestrictions(principal),
  }
}

/** Writes the restriction only when the connections were read. */
const readsConnectionsFirst: Wrap = (store) => {
  const waiting: Parameters<Store['putRestriction']>[0][] = []
  return {
    ...store,
    putRestriction: async (row) => void waiting.push(row),
    readPrincipalConnections: async (principal) => {
      const rows = await store.readPrincipalConnections(principal)
      await Promise.all(waiting.splice(0).map((row) => store.putRestriction(row)))
      return rows
    },
  }
}

/** A closed connection can be put again. */
const notFinal: Wrap = (store) => ({
  ...store,
  putConnection: async (row) => {
    await store.putConnection(row)
    return 'put'
  },
})

describe('the explorer finds a broken [LAW-REVOKE]:', () => {
  const both = { connect: connect('b'), kick: kick(all) }
  test('a connect that reads the bans before it writes its rows', () =>
    table.catches('the ban is read before the rows are written', kicking({ operations: both, wrap: readsBefore })))
  test('a kick that reads the connections before it writes the ban', () =>
    table.catches(
      'the connections are read before the ban is written',
      kicking({ operations: both, wrap: readsConnectionsFirst }),
    ))
  test('a connect that ignores that its row is closed', () =>
    table.catches(
      'CLOSED is not final',
      kicking({
        operations: {
          connect: async (room) => room.accept(await room.connect({ connectionId: 'b' })),
          kick: kick({ connection: 'b', reason }),
        },
        wrap: notFinal,
      }),
    ))
})
