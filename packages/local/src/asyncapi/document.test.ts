import { fileURLToPath } from 'node:url'
import { initTRPC, lazy } from '@trpc/server'
import { defined } from '@trunkline/protocol'
import { createLine, type LineMeta } from '@trunkline/server'
import { type Application, applicationOf } from '@trunkline/server/internal'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { describeApplication } from './document.ts'
import { askOfficialParser } from './official-parser.suite.ts'
import { writeDocument } from './write-document.ts'

const example = (name: string) =>
  fileURLToPath(new URL(`../../../../examples/${name}/src/server/lambda.ts`, import.meta.url))
async function documentOf(application: Application | undefined, url?: string) {
  if (application === undefined) throw new Error('expected the handlers of an application')
  const options = defined({ title: 'test', version: '1', url })
  return JSON.parse(JSON.stringify(await describeApplication(application, options)))
}

describe.each(['chat', 'board'])('the document of the %s', (name) => {
  test('is valid for the official parser, without a warning', async () => {
    const text = await writeDocument(example(name), { url: 'wss://abc.execute-api.eu-west-1.amazonaws.com/prod' })
    expect(await askOfficialParser(text)).toMatchObject({ complaints: [], version: '3.0.0' })
  })

  test('is the same text each time', async () => {
    expect(await writeDocument(example(name), {})).toBe(await writeDocument(example(name), {}))
  })
})

test('the document of the chat has calls with their responses, subscriptions, channels by key, security and server', async () => {
  const text = await writeDocument(example('chat'), { url: 'wss://abc.example/prod' })
  const { operations, channels, servers } = await askOfficialParser(text)
  expect(operations['messages.post']).toEqual({
    action: 'receive',
    messages: ['messages.post.call'],
    reply: ['messages.post.answer', 'error'],
    security: 1,
  })
  expect(operations['messages.live']?.reply).toEqual(['started', 'messages.live.event', 'stopped', 'error'])
  expect(operations['chat.messages.published']).toMatchObject({ action: 'send', messages: ['chat.messages.published'] })
  expect(channels['chat.messages']).toEqual({ address: 'chat.messages/{room}', parameters: ['room'] })
  expect(servers).toEqual(['wss://abc.example/prod'])
  const plain = JSON.parse(text)
  expect(plain.channels['chat.messages']['x-trunkline-topic']).toBe('chat.messages?room=s:{room}')
  expect(plain.components.schemas['messages.post.input.2'].properties).toMatchObject({
    room: { type: 'string', minLength: 1, maxLength: 64 },
    id: { format: 'uuid' },
    text: { maxLength: 4_000 },
  })
  expect(plain.components.schemas['chat.messages.published'].oneOf).toHaveLength(4)
  expect(plain.components.schemas['messages.live.output'].oneOf).toHaveLength(2)
  expect(plain.operations['messages.post']['x-trunkline-meta']).toEqual({ repeatable: true })
  expect(plain.operations['messages.live']['x-trunkline-channels-of-this-key']).toEqual([
    'chat.messages',
    'chat.here',
    'chat.typing',
    'chat.moderation',
  ])
})

const node = z.object({
  name: z.string(),
  get children() {
    return z.array(node)
  },
})
const t = initTRPC.meta<LineMeta>().create({ transformer: superjson })
const line = createLine()
line.channel('tree of everything', { key: z.object({ 'a b': z.string(), n: z.number() }), event: node })
line.presence('here', { key: z.object({ room: z.string() }), data: z.object({ typing: z.boolean() }) })
line.channel('plain', { key: z.object({}), event: z.object({ text: z.string().transform((text) => text.length) }) })
let ran = 0
const run = () => {
  ran += 1
}
async function* endless() {
  run()
  yield 1
}
const router = t.router({
  dates: t.procedure
    .input(z.object({ at: z.date(), big: z.bigint().optional(), of: z.set(z.string()) }))
    .output(z.date())
    .query(() => new Date()),
  recursive: t.procedure
    .input(node)
    .output(z.array(node))
    .mutation(({ input }) => [input]),
  two: t.procedure
    .input(z.object({ a: z.string() }))
    .input(z.object({ b: z.string() }))
    .query(run),
  foreign: t.procedure.input((value: unknown) => String(value)).query(run),
  none: t.procedure.subscription(() => endless()),
  'odd name/with slash': t.procedure.query(run),
  later: lazy(async () => ({
    default: t.router({
      inner: t.procedure.query(run),
      deep: lazy(async () => ({ default: t.router({ most: t.procedure.query(run) }) })),
    }),
  })),
})
const hard = applicationOf(createLambdaHandlers({ router, line }).websocket)

describe('a complex application', () => {
  test('has a valid document, without a run of any procedure', async () => {
    const document = await documentOf(hard)
    expect((await askOfficialParser(JSON.stringify(document))).complaints).toEqual([])
    expect(ran).toBe(0)
    expect(document.servers).toBeUndefined()
    expect(document.components.securitySchemes).toBeUndefined()
  })

  test('lets recursive schemas refer to themselves, and describes in words what JSON Schema cannot express', async () => {
    const { components } = await documentOf(hard)
    const { schemas } = components
    expect(schemas['recursive.input'].properties.children.items).toEqual({
      $ref: '#/components/schemas/recursive.input',
    })
    expect(schemas['tree_20_of_20_everything.published'].properties.children.items.$ref).toMatch(/published$/)
    expect(schemas['dates.input'].properties.at.description).toContain('transformer')
    expect(schemas['dates.input'].properties.big.description).toContain('bigint')
    expect(schemas['dates.output'].description).toContain('Date')
    expect(schemas['foreign.input'].description).toContain('other than a zod 4 schema')
    expect(schemas['plain.published'].properties.text.description).toContain('code')
    expect(components.messages['two.call'].payload.properties.params.properties.input.allOf).toHaveLength(2)
  })

  test('describes the events of presence subscriptions', async () => {
    const { channels, components } = await documentOf(hard)
    expect(channels.here.title).toBe('Presence in here')
    const [all, , gone] = components.messages['here.published'].payload.oneOf
    expect(all.properties.members.items.properties.data).toEqual({ $ref: '#/components/schemas/here.published' })
    expect(gone.required).toEqual(['type', 'member'])
  })

  test('includes the procedures of lazy routers, and mentions the transformer', async () => {
    const { operations, info } = await documentOf(hard)
    expect(Object.keys(operations)).toEqual(expect.arrayContaining(['later.inner', 'later.deep.most']))
    expect(info.description).toContain('has a transformer')
  })

  test('names the members of a key as parameters, sorted as a topic sorts them', async () => {
    const { channels } = await documentOf(hard)
    expect(channels['tree_20_of_20_everything'].address).toBe('tree_20_of_20_everything/{a_20_b}/{n}')
    expect(channels['tree_20_of_20_everything']['x-trunkline-topic']).toBe(
      'tree%20of%20everything?a%20b=s:{a_20_b}&n=n:{n}',
    )
    expect(channels['plain']).toMatchObject({ address: 'plain', parameters: {} })
  })
})

test('two entries of one name are rejected instead of merged', async () => {
  const own = createLine()
  own.channel('trunkline.socket', { key: z.object({}), event: z.object({}) })
  const clash = applicationOf(createLambdaHandlers({ router, line: own }).handler)
  await expect(documentOf(clash)).rejects.toThrow('Expected unique names, got two channels called trunkline.socket')
})

describe('an application that cannot be described causes an error', () => {
  test.each([
    ['a missing file', 'nowhere.ts', {}, 'The module nowhere.ts does not exist'],
    [
      'an address that is not a URL',
      example('chat'),
      { url: 'chat.example' },
      'Expected --url to be an address such as wss://',
    ],
    [
      'the module exports no handlers',
      fileURLToPath(new URL('./frames.ts', import.meta.url)),
      {},
      'to export handlers, got none',
    ],
  ])('%s', async (_, entry, settings, words) => {
    await expect(writeDocument(entry, settings)).rejects.toThrow(words)
  })
})
