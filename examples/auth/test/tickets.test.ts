import { type LocalLine, startLocalLine } from '@trunkline/local'
import type { CreateContextOptions } from '@trunkline/server'
import { createTicketIssuer, dynamoTicketStore, ticketAuthorizer } from '@trunkline/server/tickets'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { router } from '../src/router.ts'

const key = 'a secret of the tests, which is longer than 32 bytes'
const clock = { now: () => local.clock.now() }
const tickets = createTicketIssuer({ key, clock })
const authorize = ticketAuthorizer({ key, clock, store: { redeem: (id, expires) => store().redeem(id, expires) } })
const createContext = ({ principal }: CreateContextOptions<typeof authorize>) => ({ user: principal, claims: {} })

/** The line's own table. */
const store = () => {
  const {
    TRUNKLINE_TABLE: table = '',
    AWS_REGION: region = '',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint = '',
  } = local.environment
  return dynamoTicketStore({ table, region, endpoint, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } })
}

let local: LocalLine<typeof router>
beforeAll(async () => {
  local = await startLocalLine({ router, authorize, createContext })
})
afterAll(() => local.close())

/** What the application's HTTP endpoint does for a user who is signed in. */
const issue = () =>
  tickets.issue({ principal: 'ann', claims: {}, expiresAt: new Date(local.clock.now() + 10 * 60_000) })

test('a ticket opens one connection, and a second use is refused', async () => {
  const ticket = await issue()
  const { client } = local.connect({ token: () => ticket })
  expect(await client.whoAmI.query()).toMatchObject({ user: 'ann' })
  const copied = local.connect({ token: () => ticket })
  await expect(copied.client.whoAmI.query()).rejects.toThrow('This ticket was used before.')
  expect(copied.connection.state).toMatchObject({ status: 'closed', cause: { code: 'refused' } })
})

test('the client takes a new ticket for each attempt, and for the open socket', async () => {
  const token = vi.fn(issue)
  const { client } = local.connect({ token })
  await client.whoAmI.query()
  await local.clock.advance('7m')
  while (token.mock.calls.length === 1) await local.clock.advance('10s')
  await Promise.all(token.mock.results.map(({ value }) => value))
  await local.idle()
  await local.clock.advance('3m')
  expect(await client.whoAmI.query()).toMatchObject({ user: 'ann' })
  expect(token).toHaveBeenCalledTimes(2)
})
