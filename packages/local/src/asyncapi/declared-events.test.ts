import { initTRPC } from '@trpc/server'
import { iterate } from '@trunkline/client'
import { createLine, eventsOf, valuesOf } from '@trunkline/server'
import { applicationOf } from '@trunkline/server/internal'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { startLocalLine } from '../line/start-local-line.ts'
import { describeApplication } from './document.ts'
import { askOfficialParser } from './official-parser.suite.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const message = z.object({ type: z.literal('said'), text: z.string() })
const page = z.object({ type: z.literal('page'), texts: z.array(z.string()) })
const messages = line.channel('declared', { key, event: message })
const typing = line.ephemeral('declared.typing', { key, event: z.object({ author: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  plain: t.procedure
    .input(key)
    .output(eventsOf(message))
    .subscription(({ input }) => messages.subscribe(input, { replay: 9 })),
  begun: t.procedure
    .input(key)
    .output(eventsOf(z.discriminatedUnion('type', [page, message])))
    .subscription(({ input }) => messages.subscribe(input).startWith(() => ({ type: 'page' as const, texts: ['a'] }))),
  lengths: t.procedure
    .input(key)
    .output(eventsOf(z.number()))
    .subscription(({ input }) => messages.subscribe(input, { replay: 9 }).map(({ text }) => text.length)),
  typing: t.procedure
    .input(key)
    .output(valuesOf(typing.event))
    .subscription(({ input }) => typing.subscribe(input)),
  words: t.procedure.output(valuesOf(z.string())).subscription(async function* () {
    yield* ['one', 'two']
  }),
})
const room = { room: 'x' }

test('the events that a subscription declares are in the document, which is valid', async () => {
  const application = applicationOf(createLambdaHandlers({ router, line }).websocket)
  if (application === undefined) throw new Error('expected the handlers of an application')
  const document = JSON.parse(JSON.stringify(await describeApplication(application, { title: 'test', version: '1' })))
  expect((await askOfficialParser(JSON.stringify(document))).complaints).toEqual([])
  const { messages: frames, schemas } = document.components
  const dataOf = (name: string) => frames[`${name}.event`].payload.properties.result.properties.data
  const reference = (name: string) => ({ $ref: `#/components/schemas/${name}.output` })
  expect(dataOf('plain').properties).toMatchObject({ id: { type: 'string' }, data: reference('plain') })
  expect(dataOf('typing')).toEqual(reference('typing'))
  expect(schemas['begun.output'].oneOf).toHaveLength(2)
  expect(schemas['lengths.output']).toEqual({ type: 'number' })
  expect(schemas['words.output']).toEqual({ type: 'string' })
  // The compiler allows additional members in a resolver's values, so the document does not forbid them.
  expect(schemas['plain.output']).not.toHaveProperty('additionalProperties')
})

test('a subscription that declares its events is served as one that does not', async () => {
  await using local = await startLocalLine({ router, line })
  await local.run(() => messages.publish(room, { type: 'said', text: 'four' }))
  const { client } = local.connect()
  const first = async <T>(values: AsyncIterable<T>) => {
    for await (const value of values) return value
    return undefined
  }
  expect(await first(iterate(client.plain, room))).toMatchObject({ data: { text: 'four' } })
  expect(await first(iterate(client.begun, room))).toMatchObject({ data: { texts: ['a'] } })
  expect(await first(iterate(client.lengths, room))).toMatchObject({ data: 4 })
  expect(await first(iterate(client.words, undefined))).toBe('one')
  const typist = first(iterate(client.typing, room))
  await local.idle()
  await local.run(() => typing.publish(room, { author: 'ann' }))
  expect(await typist).toEqual({ author: 'ann' })
})
