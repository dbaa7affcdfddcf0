import { callTRPCProcedure, initTRPC, transformTRPCResponse } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { memoryBackend } from '@trunkline/server/memory'
import * as z from 'zod'
import { compare, type Row } from './compare.ts'

const t = initTRPC.create()
const router = t.router({
  add: t.procedure.input(z.object({ a: z.number(), b: z.number() })).query(({ input: { a, b } }) => ({ sum: a + b })),
})
const input = { a: 1, b: 2 }
const body = JSON.stringify({ id: 1, method: 'query', params: { path: 'add', input } })

/** The caller as the authorizer hands it over. */
const caller = { session: 'session-1-0123456789', principal: null, extensions: true, expectsParams: false }

/** The `$default` handler in process, with the authorizer's caller, against tRPC's own call from JSON to JSON. */
export async function compareCalls(seconds: number): Promise<readonly Row[]> {
  const { websocket } = createLambdaHandlers({ router, line: createLine({ backend: memoryBackend() }) })
  const event = {
    requestContext: {
      ...{ routeKey: '$default', eventType: 'MESSAGE', connectionId: 'c1=', requestId: 'r1', connectedAt: Date.now() },
      authorizer: { trunkline: JSON.stringify(caller) },
    },
    body,
    isBase64Encoded: false,
  }
  const context = { getRemainingTimeInMillis: () => 28_000 }
  const answer = (await websocket(event, context)) as { readonly body?: string }
  if (!answer.body?.includes('"sum":3')) throw new Error(`The handler answered ${JSON.stringify(answer)}.`)
  return compare(
    { name: '`callTRPCProcedure` with JSON', run: callPlainly },
    [{ name: 'the `$default` handler', run: () => websocket(event, context) }],
    seconds,
  )
}

async function callPlainly(): Promise<string> {
  const { id, params } = JSON.parse(body) as {
    readonly id: number
    readonly params: { readonly path: string; readonly input: unknown }
  }
  const data = await callTRPCProcedure({
    ...{ router, path: params.path, ctx: {}, type: 'query', signal: undefined, batchIndex: 0 },
    getRawInput: async () => params.input,
  })
  return JSON.stringify(transformTRPCResponse(router._def._config, { id, result: { type: 'data', data } }))
}
