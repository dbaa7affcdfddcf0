// More than 200 lines: each mistake of one page is made here, for real.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { initTRPC } from '@trpc/server'
import { createClient, createConnection, iterate } from '@trunkline/client'
import { type LocalLine, startLocalEntry, startLocalLine } from '@trunkline/local'
import { anonymous, createLine } from '@trunkline/server'
import { jwtAuthorizer } from '@trunkline/server/jwt'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import * as z from 'zod'
import * as z3 from 'zod/v3'
import { authorize, createContext } from './api/readme/auth.ts'
import { line, messages } from './api/readme/line.ts'
import { type AppRouter, appRouter } from './api/readme/router.ts'
import { repository } from './repository.ts'

const made = join(repository, 'tests/api/readme/documents/mistakes')
const page = readFileSync(join(repository, 'docs/guide/troubleshooting.md'), 'utf8')
const t = initTRPC.create()
const key = z.object({ room: z.string() })
const room = { room: 'x' }
const post = { ...room, text: 'hi' }

let local: LocalLine<AppRouter>
beforeAll(async () => {
  for (const name of ['log', 'info', 'warn', 'error'] as const) vi.spyOn(console, name).mockImplementation(() => {})
  local = await startLocalLine({ router: appRouter, line, authorize, createContext })
})
afterAll(async () => {
  await local.close()
  rmSync(made, { recursive: true, force: true })
  vi.restoreAllMocks()
})

type Options = Partial<Parameters<typeof createConnection>[0]>

/** The message of the first call of a client of the example. */
async function callWith(options: Options): Promise<string> {
  const connection = createConnection({ url: local.url, WebSocket, token: () => 'ann', timeoutMs: 30_000, ...options })
  try {
    return await messageOf(() => createClient<AppRouter>({ connection }).post.mutate(post))
  } finally {
    await connection.close()
  }
}

async function messageOf(make: () => unknown): Promise<string> {
  try {
    await make()
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
  throw new Error('expected the mistake to be reported, but nothing was thrown')
}

type Serving = Parameters<typeof startLocalLine>[0]

/** Runs `use` with an untyped client of a line of its own. */
async function onLine(
  options: object,
  use: (client: never, opened: LocalLine<never>) => unknown,
  settings: object = {},
): Promise<string> {
  await using opened = await startLocalLine({ onError: () => {}, ...options } as unknown as Serving)
  const { client } = opened.connect({ token: () => 'ann', timeoutMs: 30_000, ...settings })
  return await messageOf(() => use(client as never, opened as never))
}

/** A page of another origin, as a browser sends it. */
class ForeignPage extends WebSocket {
  constructor(url: string, protocols?: string[]) {
    super(url, protocols, { headers: { origin: 'http://localhost:5173' } })
  }
}

function entry(name: string, code: string): string {
  mkdirSync(made, { recursive: true })
  const path = join(made, `${name}.ts`)
  writeFileSync(path, code)
  return path
}

const own = createLine()
const chat = own.channel('chat', { key, event: z.any() as z.ZodType<string> })
const notes = own.channel('notes', { key, event: z.object({ text: z.string() }) })
const here = own.presence('here', { key, data: z.object({ name: z.string() }) })

/** The error of a procedure of the line `own` that does `work`. */
const published = (work: () => unknown) =>
  onLine({ router: t.router({ post: t.procedure.mutation(work as never) }), line: own }, (client: Calls) =>
    client['post']?.mutate(),
  )

/** The error of a subscription of the line `own` whose resolver does `resolve`. */
const subscribed = (resolve: () => unknown) =>
  onLine({ router: t.router({ live: t.procedure.subscription(resolve as never) }), line: own }, (client: never) =>
    iterate(client['live'], undefined).next(),
  )

/** What a line with JSON Web Tokens says of this token. */
const refused = (token: string) =>
  onLine(
    {
      router: t.router({ now: t.procedure.query(() => 1) }),
      authorize: jwtAuthorizer({
        issuer: 'https://issuer.example',
        audience: 'chat',
        algorithms: ['HS256'],
        keys: [{ kty: 'oct', k: 'x'.repeat(43) }],
      }),
    },
    (client: Calls) => client['now']?.query(),
    { token: () => token },
  )

/** The error or the warning in the log whose text has `word`, after `work`. */
async function logged(word: string, work: () => Promise<unknown>): Promise<string> {
  const calls = () => [vi.mocked(console.warn), vi.mocked(console.error)].flatMap(({ mock }) => mock.calls.flat())
  const before = calls().length
  await work()
  return String(
    calls()
      .slice(before)
      .find((text) => String(text).includes(word)),
  )
}
type Calls = Record<string, { query(input?: unknown): unknown; mutate(input?: unknown, options?: object): unknown }>

/** Each heading of the page, and how its mistake is made. */
const mistakes: Readonly<Record<string, () => Promise<string>>> = {
  'The address is no URL': () => callWith({ url: '10.0.0.1:4400/dev' }),
  'The socket cannot be opened': () => callWith({ url: 'ws://localhost:1/dev', timeoutMs: 2_000 }),
  'The origin of the page is not allowed': async () => {
    const warned = vi.mocked(console.warn).mock.calls.length
    const logged = vi.mocked(console.error).mock.calls.length
    await callWith({ WebSocket: ForeignPage, timeoutMs: 5_000 })
    const lines = [
      ...vi.mocked(console.warn).mock.calls.slice(warned),
      ...vi.mocked(console.error).mock.calls.slice(logged),
    ]
    return String(lines.flat().find((text) => String(text).includes('origin')))
  },
  'Node has no WebSocket': () => callWith({ WebSocket: undefined as never }),
  'A client has no connection': () => messageOf(() => createClient<AppRouter>({ url: local.url } as never)),
  'The token is no function': () => callWith({ token: 'ann' as never }),
  'The server refuses the token': () => callWith({ token: () => null }),
  'authorize returns something else': async () => {
    const result = { principal: 'ann', claims: {}, expiresAt: Date.now() + 60_000 }
    const { authorizer } = createLambdaHandlers({ router: t.router({}), authorize: () => result as never })
    const event = { type: 'REQUEST', methodArn: 'arn', headers: {}, requestContext: { connectionId: 'c' } }
    return await messageOf(() => authorizer(event, {}))
  },
  'The token has expired': async () => {
    const expiresAt = new Date(local.clock.now() + 60_000)
    const identity = () => ({ principal: 'ann', claims: { name: 'ann' }, expiresAt })
    return await onLine(
      { router: appRouter, line, authorize: identity, createContext },
      async (client: Calls, opened) => {
        await client['post']?.mutate(post)
        await opened.clock.advance('10m')
        await client['post']?.mutate(post)
      },
    )
  },
  'The caller is anonymous': () =>
    onLine(
      { router: appRouter, line, authorize: () => anonymous, createContext: () => ({ user: 'x' }) },
      (client: Calls) => client['post']?.mutate(post),
    ),
  'The entry exports no handler': () =>
    messageOf(() => startLocalEntry({ entry: entry('none', 'export const x = 1') })),
  'There is no such procedure': () =>
    onLine({ router: appRouter, line, createContext: () => ({ user: 'x' }) }, (client: Calls) =>
      client['post']?.query(post),
    ),
  'The line was not given to the handlers': () =>
    onLine({ router: t.router({ live: t.procedure.subscription(() => chat.subscribe(room)) }) }, (client: never) =>
      iterate(client['live'], undefined).next(),
    ),
  'The subscription is iterated': () =>
    onLine(
      {
        router: t.router({
          live: t.procedure.subscription(async function* () {
            yield* chat.subscribe(room)
          }),
        }),
        line: own,
      },
      (client: never) => iterate(client['live'], undefined).next(),
    ),
  'The resolver returns no subscription': () =>
    onLine({ router: t.router({ live: t.procedure.subscription((() => undefined) as never) }) }, (client: never) =>
      iterate(client['live'], undefined).next(),
    ),
  'authorize returns nothing': async () => {
    const { authorizer } = createLambdaHandlers({ router: t.router({}), authorize: (() => {}) as never })
    const event = { type: 'REQUEST', methodArn: 'arn', headers: {}, requestContext: { connectionId: 'c' } }
    return await messageOf(() => authorizer(event, {}))
  },
  'The token begins with Bearer': () => refused('Bearer a.b.c'),
  'The token is no JSON Web Token': () => refused('ann'),
  'token throws': () =>
    callWith({
      timeoutMs: 2_000,
      token: () => {
        throw new Error('no session')
      },
    }),
  'createContext throws': () =>
    onLine(
      {
        router: t.router({ now: t.procedure.query(() => 1) }),
        createContext: () => {
          throw new Error('the database is down')
        },
      },
      (client: Calls) => client['now']?.query(),
    ),
  'An option is misspelt': () =>
    messageOf(() => createLambdaHandlers({ router: t.router({}), athorize: () => anonymous } as never)),
  'An option of a channel is misspelt': () =>
    messageOf(() => createLine().channel('chat', { key, event: z.string(), retentin: '7d' } as never)),
  'An option of the client is misspelt': () =>
    messageOf(() => createConnection({ url: local.url, tokn: () => 'ann' } as never)),
  'An ephemeral channel has a retention': () =>
    messageOf(() => createLine().ephemeral('typing', { key, event: z.string(), retention: '1h' } as never)),
  'The line is no line': () =>
    messageOf(() => createLambdaHandlers({ router: t.router({}), line: createLine as never })),
  'A handler gets another event': () => {
    const { websocket } = createLambdaHandlers({ router: t.router({}) })
    return messageOf(() => websocket({ version: '2.0', routeKey: '$default', rawPath: '/' }, {}))
  },
  'The port is in use': async () => {
    const port = Number(new URL(local.url).port)
    return await messageOf(() => startLocalLine({ router: t.router({}), port }))
  },
  'The connection was closed': async () => {
    const connection = createConnection({ url: local.url, WebSocket })
    await connection.close()
    return await messageOf(() => createClient<AppRouter>({ connection }).post.mutate(post))
  },
  'A mutation is subscribed to': () =>
    onLine({ router: t.router({ post: t.procedure.mutation(() => 1) }) }, (client: never) =>
      iterate(client['post'], undefined).next(),
    ),
  'A query returns a subscription': () =>
    onLine({ router: t.router({ live: t.procedure.query(() => chat.subscribe(room)) }), line: own }, (client: Calls) =>
      client['live']?.query(),
    ),
  'The channel itself is returned': async () => {
    let cause: unknown
    const router = t.router({ live: t.procedure.subscription((() => chat) as never) })
    const onError = ({ error }: { readonly error: Error }) => {
      cause = error.cause
    }
    await onLine({ router, line: own, onError }, (client: never) => iterate(client['live'], undefined).next())
    return String(cause)
  },
  'startWith gets a value': () => subscribed(() => chat.subscribe(room).startWith([] as never)),
  'A middleware returns a value': () =>
    onLine({ router: t.router({ now: t.procedure.use((() => 'ok') as never).query(() => 1) }) }, (client: Calls) =>
      client['now']?.query(),
    ),
  'A publish is not awaited': () =>
    logged('awaited', () =>
      onLine(
        {
          router: t.router({
            post: t.procedure.mutation(() => {
              void chat.publish(room, 'hi')
            }),
          }),
          line: own,
        },
        async (client: Calls) => {
          await client['post']?.mutate()
          throw new Error('the call is answered all the same')
        },
      ),
    ),
  'An event does not fit': () => published(() => notes.publish(room, { txt: 'hi' } as never)),
  'A publish has no key': () => published(() => notes.publish({ text: 'hi' } as never, undefined as never)),
  'A topic is too long': () => published(() => chat.publish({ room: 'x'.repeat(3_000) }, 'hi')),
  'An event is a Map': () => published(() => chat.publish(room, new Map() as never)),
  'An event is not a number': () => published(() => chat.publish(room, { price: Number.NaN } as never)),
  'An event is too large': () => published(() => chat.publish(room, 'x'.repeat(500_000))),
  'A call is too large': () =>
    onLine({ router: t.router({ post: t.procedure.mutation(() => 1) }) }, (client: Calls) =>
      client['post']?.mutate('x'.repeat(2_000_000)),
    ),
  'A member has no name': () => subscribed(() => here.join(room, { member: null as never, data: { name: 'ann' } })),
  'A key has an object inside': () =>
    messageOf(() =>
      createLine().channel('chat', { key: z.object({ room: z.object({}) }) as never, event: z.string() }),
    ),
  'An event is declared without z.object': () =>
    messageOf(() => createLine().channel('chat', { key, event: { text: z.string() } as never })),
  'A retention has no such unit': () =>
    messageOf(() => createLine().channel('chat', { key, event: z.string(), retention: '1 day' as never })),
  'A stream has no producer': () =>
    messageOf(() => createLine().stream('answers', { key, input: z.string(), chunk: z.string() } as never)),
  'The callback address is that of the sockets': async () => {
    vi.stubEnv('TRUNKLINE_TABLE', 'chat')
    vi.stubEnv('TRUNKLINE_CALLBACK_URL', 'wss://abc.execute-api.eu-west-1.amazonaws.com/prod')
    const news = createLine().channel('news', { key, event: z.string() })
    return await messageOf(() => news.publish(room, 'hi')).finally(() => vi.unstubAllEnvs())
  },
  'An event is not JSON': () =>
    onLine(
      {
        router: t.router({ post: t.procedure.mutation(() => chat.publish(room, { at: new Date() } as never)) }),
        line: own,
      },
      (client: Calls) => client['post']?.mutate(),
    ),
  'A schema is not of zod 4': () =>
    messageOf(() =>
      createLine().channel('chat', { key: z3.object({ room: z3.string() }) as never, event: z.string() }),
    ),
  'A name is declared twice': () => messageOf(() => own.channel('chat', { key, event: z.string() })),
  'A script has no table': async () => {
    vi.stubEnv('TRUNKLINE_TABLE', '')
    const news = createLine().channel('news', { key, event: z.string() })
    return await messageOf(() => news.publish(room, 'hi')).finally(() => vi.unstubAllEnvs())
  },
  'A test publishes outside of its line': () => messageOf(() => messages.publish(room, { author: 'ann', text: 'hi' })),
  'Only one side has a transformer': async () => {
    const router = t.router({ now: t.procedure.query(() => 1) })
    return await onLine({ router }, (client: Calls) => client['now']?.query(), { transformer: superjson })
  },
  'A key is used for two calls': () =>
    onLine({ router: appRouter, line, createContext: () => ({ user: 'x' }) }, async (client: Calls) => {
      await client['post']?.mutate(post, { idempotencyKey: 'order-7' })
      await client['post']?.mutate({ ...post, text: 'other' }, { idempotencyKey: 'order-7' })
    }),
  'An answer is not JSON': () =>
    onLine({ router: t.router({ big: t.procedure.query(() => 1n) }) }, (client: Calls) => client['big']?.query()),
}

describe('docs/guide/troubleshooting.md has the message of a mistake', () => {
  const sections = [...page.matchAll(/^## (.+)\n+```text\n([\s\S]+?)\n```$/gm)].map(([, title = '', text = '']) => ({
    title,
    text,
  }))

  test('for each mistake that this test makes', () => {
    expect(sections.map(({ title }) => title)).toEqual(Object.keys(mistakes))
  })
  test.each(sections)('$title', async ({ title, text }) => {
    const message = (await mistakes[title]?.()) ?? ''
    for (const part of text.replaceAll('\n', ' ').split('…')) expect(message).toContain(part.trim())
  })
})
