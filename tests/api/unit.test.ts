// A local line in a user's test.
import { iterate, trunklineError } from '@trunkline/client'
import { startLocalLine } from '@trunkline/local'
import { expect, test } from 'vitest'
import { authorize, createContext } from './chat/auth.ts'
import { line, messages } from './chat/channels.ts'
import { appRouter } from './chat/router.ts'

test('a message that is posted while a socket is down arrives once', async () => {
  await using local = await startLocalLine({ router: appRouter, line, authorize, createContext })
  const ann = local.connect({ token: () => 'ann' })
  const bob = local.connect({ token: () => 'bob' })
  const seen = iterate(bob.client.messages.live, { room: 'x' })
  expect((await seen.next()).value?.data).toEqual({ type: 'page', messages: [] })
  await ann.client.messages.post.mutate({ room: 'x', id: crypto.randomUUID(), text: 'one' })
  const first = await seen.next()
  expect(first.value?.data).toMatchObject({ type: 'posted', message: { author: 'ann', text: 'one' } })
  local.faults.cut(bob.connection)
  await ann.client.messages.post.mutate({ room: 'x', id: crypto.randomUUID(), text: 'two' })
  const second = await seen.next()
  expect(second.value?.data).toMatchObject({ message: { text: 'two' } })
  expect((await local.run(() => messages.read({ room: 'x' }))).events).toHaveLength(2)
})

test('a mutation whose response is lost has one effect', async () => {
  await using local = await startLocalLine({ router: appRouter, line, authorize, createContext })
  const ann = local.connect({ token: () => 'ann' })
  const bob = local.connect({ token: () => 'bob' })
  const seen = iterate(bob.client.messages.live, { room: 'x' })
  await seen.next()
  await ann.client.connection.query()
  using lost = local.faults.on('answer', 'drop', { times: 1, path: 'messages.post' })
  const sent = ann.client.messages.post.mutate({ room: 'x', id: crypto.randomUUID(), text: 'once' })
  await local.idle() // a cut before the answer was lost would lose the frame
  local.faults.cut(ann.connection)
  await sent
  await local.idle()
  expect(lost.hits).toBe(1)
  expect((await seen.next()).value?.data).toMatchObject({ message: { text: 'once' } })
  expect((await local.run(() => messages.read({ room: 'x' }))).events).toHaveLength(1)
})

test('a generator streams its answer token by token', async () => {
  await using local = await startLocalLine({ router: appRouter, line, authorize, createContext })
  const { client } = local.connect({ token: () => 'ann' })
  const tokens: string[] = []
  for await (const token of iterate(client.bot.ask, { prompt: 'why is that' })) tokens.push(token)
  expect(tokens).toEqual(['why ', 'is ', 'that'])
})

test('a session with an expired token is refused with the reason', async () => {
  await using local = await startLocalLine({ router: appRouter, line, authorize, createContext })
  const { client } = local.connect({ token: () => 'ann' })
  await client.connection.query()
  await local.clock.advance('2h')
  const error: unknown = await client.messages.older.query({ room: 'x' }).catch((e: unknown) => e)
  expect(trunklineError(error)?.retry).toBe('after-auth')
})

test('a late subscriber starts with a whole page', async () => {
  await using local = await startLocalLine({ router: appRouter, line, authorize, createContext })
  const { client } = local.connect({ token: () => 'ann' })
  const posted = await client.messages.post.mutate({ room: 'x', id: crypto.randomUUID(), text: 'early' })
  const first = await iterate(client.messages.live, { room: 'x' }).next()
  expect(first.value?.data).toEqual({ type: 'page', messages: [posted] })
})
