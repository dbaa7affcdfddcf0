import { initTRPC } from '@trpc/server'
import { expect, test } from 'vitest'
import type { LineMeta } from '../define/identity.ts'
import { createTestLine } from './test-line.suite.ts'

const trunkline = {
  principal: null,
  session: 's'.repeat(22),
  extensions: true,
  expectsParams: false,
  namesSessions: true,
}

test.each([
  ['a query', { method: 'query', params: { path: 'read' } }],
  ['a mutation without a key', { method: 'mutation', params: { path: 'pay' } }],
  ['an idempotent mutation', { method: 'mutation', params: { path: 'set' } }],
])('%s begins nothing when the function has no time left [LAW-DEADLINE]', async (_, frame) => {
  const effects: string[] = []
  const t = initTRPC.meta<LineMeta>().create()
  const router = t.router({
    read: t.procedure.query(() => effects.push('read')),
    pay: t.procedure.mutation(() => effects.push('pay')),
    set: t.procedure.meta({ idempotent: true }).mutation(() => effects.push('set')),
  })
  const { handlers, backend, clock, line } = createTestLine({ router })
  const requestContext = {
    ...{ connectionId: 'c1=', connectedAt: clock.now(), eventType: 'MESSAGE', routeKey: '$default' },
    ...{ identity: { sourceIp: '192.0.2.1' }, authorizer: { trunkline: JSON.stringify(trunkline) } },
  }
  const event = { requestContext, body: JSON.stringify({ id: 1, ...frame }) }
  const answer = await line.withBackend(backend, () =>
    handlers.websocket(event, { getRemainingTimeInMillis: () => 400 }),
  )
  expect(JSON.stringify(answer)).toContain('TIMEOUT')
  expect(effects).toEqual([])
})
