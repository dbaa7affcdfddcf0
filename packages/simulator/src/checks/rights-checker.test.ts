import { expect, it } from 'vitest'
import { formatToken, topicOf } from '../records/application.ts'
import { createWorld } from '../world/create-world.ts'
import { rulesOf } from './published-world.suite.ts'
import { checkRights } from './rights-checker.ts'

const event = '{"id":1,"result":{"type":"data","id":"0.e:1","data":{"n":1}}}'
const authorized = '{"id":"a","result":{"type":"authorized","authExpires":1}}'

/** A world with an open connection whose token has the right to the room m, and a subscription to it. */
function worldOf() {
  const world = createWorld({ seed: 1, allowed: [] })
  const { kernel, gateway, table } = world
  const tokenOf = (rooms: readonly string[]) => formatToken('p', kernel.now + 3_600_000, rooms)
  const offer = `token.${Buffer.from(tokenOf(['m'])).toString('base64url')}`
  const peer = { opened: () => {}, message: () => {}, lost: () => {} }
  const wire = gateway.connect('d', ['trunkline.1', offer], peer)
  const { connectionId } = wire
  const renew = (rooms: readonly string[]) => {
    const { renewedAt: follows } = table.operations.readConnection(connectionId) ?? {}
    const renewal = { authExp: kernel.now + 3_600_000, claims: JSON.stringify({ rooms }), claimsPending: false }
    table.operations.renewConnection(connectionId, { ...renewal, renewedAt: kernel.now, follows })
  }
  const auth = (rooms: readonly string[]) =>
    void wire.send(JSON.stringify({ id: 'a', method: 'auth', params: { token: tokenOf(rooms) } }))
  const subscribe = () =>
    void wire.send('{"id":1,"method":"subscription","params":{"path":"live","input":{"room":"m"},"ref":1}}')
  return { ...world, world, connectionId, auth, renew, subscribe, tokenOf }
}

async function opened() {
  const made = worldOf()
  await made.kernel.run(2_000)
  made.subscribe()
  await made.kernel.run(2_000)
  return made
}

it('finds an event that is sent more than 5 s after a lost right was acknowledged', async () => {
  const { world, kernel, gateway, connectionId, auth } = await opened()
  await gateway.post(connectionId, event)
  auth([])
  await kernel.run(4_000)
  await gateway.post(connectionId, event)
  expect(rulesOf(world)).toEqual([])
  await kernel.run(5_000)
  await gateway.post(connectionId, event)
  expect(rulesOf(world)).toEqual(['H18'])
})

it('excuses an event under claims that are in force, whichever token was acknowledged last', async () => {
  const { world, kernel, gateway, connectionId, auth, renew } = await opened()
  auth([])
  await kernel.run(10_000)
  renew(['m'])
  await gateway.post(connectionId, event)
  renew([]) // not acknowledged
  await kernel.run(10_000)
  await gateway.post(connectionId, event)
  expect(rulesOf(world)).toEqual([])
  await gateway.post(connectionId, authorized)
  await kernel.run(6_000)
  await gateway.post(connectionId, event)
  expect(rulesOf(world)).toEqual(['H18'])
})

it('finds an event to a connection that never had the right', async () => {
  const { world, kernel, gateway } = await opened()
  const offer = `token.${Buffer.from(formatToken('p', kernel.now + 3_600_000, [])).toString('base64url')}`
  const peer = { opened: () => {}, message: () => {}, lost: () => {} }
  const wire = gateway.connect('e', ['trunkline.1', offer], peer)
  await kernel.run(6_000)
  wire.send('{"id":1,"method":"subscription","params":{"path":"live","input":{"room":"m"},"ref":1}}')
  await gateway.post(wire.connectionId, event)
  expect(rulesOf(world)).toEqual(['H18'])
})

it('finds a row with older claims, and one without a right', async () => {
  const { world, table, connectionId, renew } = await opened()
  const row = { connectionId, ref: 1, shard: 0, on: true, path: 'live', extensions: true, expires: 2_000_000_000 }
  const piped = { sessionId: 's', principal: 'p', claims: '{"rooms":["m"]}' }
  checkRights(world)
  expect(rulesOf(world)).toEqual([])
  table.operations.putSubscriber({ ...row, id: '7', topic: topicOf('w'), piped })
  renew(['m', 'w'])
  checkRights(world)
  expect(rulesOf(world)).toEqual(['H18'])
  table.operations.putSubscriber({ ...row, id: '7', ref: 2, topic: topicOf('w'), on: false, piped })
  renew([])
  checkRights(world)
  expect(rulesOf(world)).toEqual(['H18', 'H18'])
})
