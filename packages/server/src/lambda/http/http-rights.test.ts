import { afterEach, describe, expect, test } from 'vitest'
import { type Club, createClub, publishIn } from '../../runtime/subscriptions/club.suite.ts'
import { type HttpClient, openHttp } from './http-client.suite.ts'

const clubs: Club[] = []
afterEach(() => {
  for (const club of clubs.splice(0)) expect(club.misdirected).toEqual([])
})
const openClub = async (token: string) => {
  const club = createClub()
  clubs.push(club)
  return { club, client: await openHttp(club, { token }) }
}

const subscribe = (client: HttpClient, path: string, id = 7) =>
  client.send({ id, method: 'subscription', params: { path, input: { room: 'x' }, ref: 1 } })
const poll = (client: HttpClient, from: unknown) =>
  client.send({ id: 'y', method: 'sync', params: { poll: true, subscriptions: [{ id: 7, ref: 1, from }] } })
const auth = (client: HttpClient, token: string) => client.send({ id: 'a', method: 'auth', params: { token } })

describe.each(['live', 'watched', 'watchedLoud', 'join'])('Over HTTP, a channel with `authorize` (%s)', (path) => {
  test('refuses a subscribe before a row is written [TL-RIGHT-1]', async () => {
    const { club, client } = await openClub('y')
    expect(await subscribe(client, path)).toMatchObject([{ id: 7, error: { data: { code: 'FORBIDDEN' } } }])
    expect(await club.store.readSubscriptions(client.connectionId)).toEqual([])
  })

  test('ends a subscription by the `auth` that takes its right, and a later poll gets nothing [TL-RIGHT-3]', async () => {
    const { club, client } = await openClub('x')
    const [started] = await subscribe(client, path)
    expect(await auth(client, 'y')).toMatchObject([
      { id: 7, error: {} },
      { id: 'a', result: { type: 'authorized' } },
    ])
    await publishIn(club, path === 'live' ? 'club' : 'watched')
    expect(await poll(client, started?.result?.['head'])).toMatchObject([
      { id: 7, line: { code: 'CONNECTION_LOST' } },
      { id: 'y' },
    ])
  })
})

test('A poll asks the channel before it gives events, and a refusal ends the subscription [TL-RIGHT-1]', async () => {
  const { club, client } = await openClub('x')
  const [started] = await subscribe(client, 'live')
  await publishIn(club)
  club.answerBy(() => 'The room is closed.')
  const answers = await poll(client, started?.result?.['head'])
  expect(answers).toMatchObject([{ id: 7, error: { message: expect.stringContaining('The room is closed.') } }, {}])
  expect(JSON.stringify(answers)).not.toContain('NEWS')
  expect((await club.store.readSubscriptions(client.connectionId))[0]?.on).toBe(false)
})
