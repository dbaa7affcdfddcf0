import { callTRPCProcedure, getTRPCErrorShape, initTRPC, TRPCError, transformTRPCResponse } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { memoryBackend } from '@trunkline/server/memory'
import * as z from 'zod'
import { compare, type Row } from './compare.ts'

const t = initTRPC.create()
const router = t.router({
  add: t.procedure.input(z.object({ a: z.number(), b: z.number() })).query(({ input: { a, b } }) => ({ sum: a + b })),
  fail: t.procedure.query(() => {
    throw new TRPCError({ code: 'NOT_FOUND', message: 'There is no such thing.' })
  }),
})

const query = (path: string, input: unknown, id = 1) => ({ id, method: 'query', params: { path, input } })

/** The messages that are compared: what a row names them, and a text that every answer has. */
const messages = [
  { name: 'a query', body: query('add', { a: 1, b: 2 }), answered: '"sum":3' },
  {
    name: 'a batch of 10 queries',
    body: Array.from({ length: 10 }, (_, n) => query('add', { a: n, b: 2 }, n)),
    answered: '"sum":',
  },
  { name: 'an error of the application', body: query('fail', undefined), answered: 'There is no such thing.' },
  { name: 'a refused input', body: query('add', { a: 'one' }), answered: 'expected number' },
] as const

/** The caller as the authorizer passes it on. */
const caller = { session: 'session-1-0123456789', principal: null, extensions: true, expectsParams: false }

/** The `$default` handler in process, with the authorizer's caller, against tRPC's own calls from JSON to JSON. */
export async function compareCalls(seconds: number): Promise<readonly Row[]> {
  const posted: string[] = []
  const backend = memoryBackend()
  const gateway = {
    ...backend.gateway,
    kind: 'counting',
    post: async (_connection: string, text: string) => {
      posted.push(text)
      return { status: 'posted' } as const
    },
    disconnect: async () => 'closed' as const,
  }
  const line = createLine({ backend: { ...backend, gateway } })
  const { websocket } = createLambdaHandlers({ router, line, onError: () => {} })
  const context = { getRemainingTimeInMillis: () => 28_000 }
  const rows: Row[] = []
  for (const { name, body, answered } of messages) {
    const text = JSON.stringify(body)
    const event = {
      requestContext: {
        ...{ routeKey: '$default', eventType: 'MESSAGE', connectionId: 'c1=', requestId: 'r1' },
        ...{ connectedAt: Date.now(), authorizer: { trunkline: JSON.stringify(caller) } },
      },
      body: text,
      isBase64Encoded: false,
    }
    const run = async () => {
      posted.length = 0
      return (await websocket(event, context)) as { readonly body?: string }
    }
    for (const answer of [[(await run()).body, ...posted].join(), await callPlainly(text)])
      if (!answer.includes(answered)) throw new Error(`Expected ${answered} in the answer to ${name}, got ${answer}.`)
    rows.push(
      ...(await compare(
        { name: `${name}: \`callTRPCProcedure\` with JSON`, run: () => callPlainly(text) },
        [{ name: `${name}: the \`$default\` handler`, run }],
        seconds,
      )),
    )
  }
  return rows
}

interface Sent {
  readonly id: number
  readonly params: { readonly path: string; readonly input: unknown }
}

async function callPlainly(text: string): Promise<string> {
  const sent = JSON.parse(text) as Sent | readonly Sent[]
  if (!('length' in sent)) return JSON.stringify(await answer(sent))
  return JSON.stringify(await Promise.all(sent.map(answer)))
}

async function answer({ id, params: { path, input } }: Sent) {
  const config = router._def._config
  try {
    const data = await callTRPCProcedure({
      ...{ router, path, ctx: {}, type: 'query' as const, signal: undefined, batchIndex: 0 },
      getRawInput: async () => input,
    })
    return transformTRPCResponse(config, { id, result: { type: 'data', data } })
  } catch (thrown) {
    const error = getTRPCErrorShape({ config, error: thrown as TRPCError, type: 'query', path, input, ctx: {} })
    return transformTRPCResponse(config, { id, error })
  }
}
