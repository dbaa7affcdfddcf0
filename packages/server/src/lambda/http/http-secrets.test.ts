import { expect, test } from 'vitest'
import { recordingTelemetry } from '../recording-telemetry.suite.ts'
import { framesOf, httpSession, mutationFrame, openHttp, queryFrame, request } from './http-client.suite.ts'
import { openWorld, room, subscribeFrame } from './http-world.suite.ts'

test('Over HTTP the session is in the row of the connection alone, and the token is nowhere [TL-HTTP-4] [TL-HS-7]', async () => {
  const token = 'ann/a-token-that-is-secret'
  const written: unknown[] = []
  const recorded = recordingTelemetry()
  const world = openWorld({
    telemetry: recorded.telemetry,
    authorize: () => ({ principal: 'ann', claims: { role: 'a' }, expiresAt: new Date(1_800_003_600_000) }),
    store: (store) =>
      new Proxy(store, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name)
          if (typeof member !== 'function') return member
          return (...args: unknown[]) => {
            if (name !== 'putConnection') written.push([name, args])
            return Reflect.apply(member, target, args) as unknown
          }
        },
      }),
  })
  const client = await openHttp(world, { token })
  const key = `auto.${world.clock.now().toString(36)}.0cT1eXo8YsVq3mPz7Rk2Qa`
  await client.send(subscribeFrame('s', 'mine'), subscribeFrame('p', 'joined', { input: { ...room, name: 'ann' } }))
  await client.send(mutationFrame('m', 'work', { key }), queryFrame('q', 'nope'), {
    id: 'a',
    method: 'auth',
    params: { token },
  })
  await client.send({ method: 'close' })
  const answers = framesOf(
    await request(world, {
      headers: { authorization: `Bearer ${token}`, 'trunkline-session': httpSession },
      body: [mutationFrame('n', 'work', { key })],
    }),
  )
  expect(answers).toHaveLength(1)
  const left = JSON.stringify([written, recorded.logs, recorded.audits, world.invoked, world.failures, answers])
  expect(left.length).toBeGreaterThan(1_000)
  expect(left).not.toContain(httpSession)
  expect(left).not.toContain('a-token-that-is-secret')
})
