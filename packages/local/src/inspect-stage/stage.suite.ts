import { initTRPC } from '@trpc/server'
import { type AuthorizeResult, createLine } from '@trunkline/server'
import * as z from 'zod'
import { type Account, apiId, deployedFunctions, healthyAccount, startAws } from '../doctor/aws-endpoint.suite.ts'
import { startLocalLine } from '../line/start-local-line.ts'
import { environmentStage } from '../stage/environment-stage.ts'
import type { Stage } from '../stage/stage.ts'

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('chat.messages', { key, event: z.object({ text: z.string(), token: z.string() }) })
const here = line.presence('chat.here', { key, data: z.object({ mood: z.string() }) })
const t = initTRPC.context<{ name: string }>().create()
const router = t.router({
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  here: t.procedure
    .input(key)
    .subscription(({ input, ctx }) => here.join(input, { member: ctx.name, data: { mood: 'fine' } })),
})

/** The topic that has 60 events and two subscribers. */
export const topic = 'chat.messages?room=s:7'

/** A stage whose table and sockets are those of a local line, with logs and metrics of an account. */
export interface InspectedStage extends AsyncDisposable {
  readonly stage: Stage
  readonly account: Account
}

/** Starts a stage with 60 events and two clients, `ann` and `bob`, who have secrets in their claims and events. */
export async function startInspectedStage(): Promise<InspectedStage> {
  const local = await startLocalLine<typeof router, AuthorizeResult>({
    router,
    line,
    createContext: ({ principal }) => ({ name: principal ?? 'nobody' }),
    authorize: ({ token = 'ann' }) => ({
      principal: token,
      claims: { mail: `${token}@example.com`, password: 'hunter2' },
      expiresAt: new Date(Date.now() + 3_600_000),
    }),
  })
  const [ann, bob] = ['ann', 'bob'].map((token) => local.connect({ token: () => token }))
  await subscribed((options) => ann?.client.live.subscribe({ room: '7' }, options))
  await subscribed((options) => ann?.client.here.subscribe({ room: '7' }, options))
  await subscribed((options) => bob?.client.live.subscribe({ room: '7' }, options))
  await local.run(async () => {
    for (let n = 1; n <= 60; n++) await messages.publish({ room: '7' }, { text: `message ${n}`, token: 'secret-token' })
  })
  await local.idle()
  const account = healthyAccount({ table: '', callbackUrl: local.httpUrl, streamArn: '' })
  const aws = await startAws(account, local.environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? '')
  const { endpoint } = aws
  const config = { region: 'local-1', endpoint, credentials: { accessKeyId: 'k', secretAccessKey: 's' } }
  const found = environmentStage({}, { ...local.environment, AWS_ENDPOINT_URL_DYNAMODB: endpoint })
  return {
    account,
    stage: {
      ...found,
      name: 'shop-prod',
      kind: 'aws',
      functions: deployedFunctions,
      resources: { WebsocketsApi: { type: 'AWS::ApiGatewayV2::Api', id: apiId } },
      logGroups: { websocket: '/aws/lambda/shop-prod-websocket', worker: '/aws/lambda/shop-prod-worker' },
      clientConfig: () => config,
    },
    async [Symbol.asyncDispose]() {
      await aws[Symbol.asyncDispose]()
      await local.close()
    },
  }
}

interface Started {
  readonly onStarted: () => void
  readonly onData: () => void
  readonly onGap: () => void
}

function subscribed(subscribe: (options: Started) => unknown): Promise<void> {
  return new Promise((resolve) => subscribe({ onStarted: resolve, onData() {}, onGap() {} }))
}
