import type { PrincipalConnection, Restriction } from '../principals.ts'
import { equal } from './assertions.ts'
import { expires, fresh } from './rows.ts'
import type { SuiteRunner } from './runner.ts'

const byId = (rows: readonly PrincipalConnection[]) =>
  [...rows].sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
const byName = (rows: readonly Restriction[]) =>
  [...rows].sort((a, b) => (`${a.kind}${a.session}` < `${b.kind}${b.session}` ? -1 : 1))

/** The laws of the port of principals. */
export function principalLaws({ describe, test }: SuiteRunner): void {
  describe('principals', () => {
    const row = (principal: string): PrincipalConnection => ({
      ...{ principal, connectionId: fresh('c'), session: 'AAECAwQFBgcICQoLDA0ODw', openedAt: 5, expires },
    })
    const restriction = (principal: string, rest: Partial<Restriction> = {}): Restriction => ({
      ...{ principal, kind: 'ban', at: 5, reason: 'spam', expires },
      ...rest,
    })
    test('reads all connections of a principal, and those of no other', async (store) => {
      const [ann, bob] = [fresh('ann'), fresh('bob')]
      const rows = [row(ann), row(ann)]
      for (const each of [...rows, row(bob)]) await store.putPrincipalConnection(each)
      await store.putRestriction(restriction(ann))
      equal(byId(await store.readPrincipalConnections(ann)), byId(rows))
      equal(await store.readPrincipalConnections(fresh('cy')), [])
    })
    test('replaces the row of a connection, and deletes exactly that row, also again', async (store) => {
      const ann = fresh('ann')
      const [one, other] = [row(ann), row(ann)]
      for (const each of [one, other, { ...one, openedAt: 6 }]) await store.putPrincipalConnection(each)
      equal(byId(await store.readPrincipalConnections(ann)), byId([{ ...one, openedAt: 6 }, other]))
      for (let times = 0; times < 2; times += 1) await store.deletePrincipalConnection(one)
      equal(await store.readPrincipalConnections(ann), [other])
    })
    test('keeps principals apart whatever characters and lengths their names have', async (store) => {
      const names = ['a#b', 'a', '#ban', 'ü'.repeat(3_000), `${'ü'.repeat(3_000)}x`].map((name) => fresh(name))
      for (const name of names) await store.putPrincipalConnection({ ...row(name), connectionId: 'c=' })
      for (const name of names)
        equal(
          (await store.readPrincipalConnections(name)).map(({ principal }) => principal),
          [name],
        )
    })
    test('reads all restrictions of a principal, of each kind and of each session', async (store) => {
      const ann = fresh('ann')
      const rows = [
        restriction(ann),
        restriction(ann, { session: 'AAECAwQFBgcICQoLDA0ODw', at: 6 }),
        restriction(ann, { kind: 'revoke', at: 7, reason: '' }),
        restriction(ann, { kind: 'kick', at: 8 }),
      ]
      for (const each of [...rows, restriction(fresh('bob'))]) await store.putRestriction(each)
      await store.putPrincipalConnection(row(ann))
      equal(byName(await store.readRestrictions(ann)), byName(rows))
      equal(await store.readRestrictions(fresh('cy')), [])
    })
    test('replaces a ban by a later one that ends sooner, and lowers no kick and no revoke', async (store) => {
      for (const kind of ['ban', 'kick', 'revoke'] as const) {
        const ann = fresh('ann')
        const [first, second] = [9, 8].map((at) => restriction(ann, { kind, at, reason: `${at}` }))
        for (const each of [first, second]) if (each !== undefined) await store.putRestriction(each)
        equal(await store.readRestrictions(ann), [kind === 'ban' ? second : first])
        const last = restriction(ann, { kind, at: 10 })
        await store.putRestriction(last)
        equal(await store.readRestrictions(ann), [last])
      }
    })
  })
}
