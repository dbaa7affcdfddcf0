import { publicSessionId } from '@trunkline/server/internal'
import { callbackApi, request } from '../context/aws.ts'
import { type Check, type CheckContext, skipped } from '../context/check.ts'
import { type ProbeSocket, randomSession } from '../context/probe-socket.ts'
import { type Fact, open, toCheck, words } from './fact.ts'

/** A socket of the doctor whose connection id is known, so that it can be posted to. */
interface OwnConnection {
  readonly socket: ProbeSocket
  post(data: string | Uint8Array): Promise<void>
  disconnect(): Promise<void>
}

type PostFact = Omit<Fact, 'observe'> & { readonly observe: (own: OwnConnection) => Promise<string> }

const largeBytes = 100_000
const posts = 20

const facts: readonly PostFact[] = [
  {
    id: 'fact-post-binary',
    title: 'how a post that is not UTF-8 is sent',
    calls: 'one post to a connection of its own',
    cost: 'one connection, one post',
    assumed: 'sent as text',
    option: 'binaryPost',
    async observe({ socket, post }) {
      const sent = new Promise<string>((resolve) => {
        socket.raw.once('message', (_, isBinary) => resolve(isBinary ? 'sent as binary' : 'sent as text'))
      })
      await post(Uint8Array.from([0x41, 0xff, 0xfe]))
      return Promise.race([sent, socket.closed.then(words)])
    },
  },
  {
    id: 'fact-post-large',
    title: 'whether a post of 100 KB arrives as one message',
    calls: 'one post of 100 KB to a connection of its own',
    cost: 'one connection, one post of 100 KB',
    assumed: 'one message',
    async observe({ socket, post }) {
      await post('x'.repeat(largeBytes))
      const message = socket.message((text) => text.startsWith('x'))
      const text = await message.catch(() => socket.closed.then(words))
      return text.length === largeBytes ? 'one message' : text.slice(0, 60)
    },
  },
  {
    id: 'fact-post-order',
    title: 'whether posts that are awaited arrive in their order',
    calls: '20 posts to a connection of its own',
    cost: 'one connection, 20 posts',
    assumed: 'in their order',
    async observe({ socket, post }) {
      const arrived: string[] = []
      socket.raw.on('message', (data) => arrived.push(String(data)))
      const sent = Array.from({ length: posts }, (_, n) => `post ${n}`)
      for (const text of sent) await post(text)
      for (const text of sent) await socket.message((message) => message === text)
      return arrived.join() === sent.join() ? 'in their order' : `in another order: ${arrived.join(', ')}`
    },
  },
  {
    id: 'fact-delete-close',
    title: 'how the gateway closes a connection that the line deletes',
    calls: 'DELETE of a connection of its own',
    cost: 'one connection, one request',
    assumed: words({ code: 1000, reason: 'Connection Closed Normally' }),
    async observe({ socket, disconnect }) {
      await disconnect()
      return words(await socket.closed)
    },
  },
]

/** Probes that post to a connection of the doctor. They need a principal, by which the table names its connections. */
export const postFacts: readonly Check[] = facts.map(({ observe, ...fact }) => {
  const check = toCheck({ ...fact, observe: async (context) => observe(await connect(context)) })
  return {
    ...check,
    run: async (context) =>
      context.settings.token === undefined || principalOf(context) === undefined
        ? skipped('Seeing it needs --token, and --principal with the name that authorize gives to it.')
        : check.run(context),
  }
})

/** The principal of the token: as it was given, or the `sub` of a JWT. */
function principalOf({ settings: { principal, token = '' } }: CheckContext): string | undefined {
  if (principal !== undefined) return principal
  const [, payload = ''] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token) ?? []
  try {
    const { sub } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { readonly sub?: unknown }
    return typeof sub === 'string' ? sub : undefined
  } catch {
    return undefined // the token is no JWT
  }
}

async function connect(context: CheckContext): Promise<OwnConnection> {
  const { callbackUrl } = context.target
  if (callbackUrl === undefined)
    throw new Error('Expected the callback address, got none. Name the stage or the stack.')
  const session = randomSession()
  const socket = await open(context, { session })
  const ConnectionId = await findConnection(context, session)
  const { sdk, client } = await callbackApi(context, callbackUrl)
  const options = { abortSignal: context.signal }
  return {
    socket,
    async post(data) {
      const Data = typeof data === 'string' ? Buffer.from(data) : data
      const command = new sdk.PostToConnectionCommand({ ConnectionId, Data })
      await request('execute-api:ManageConnections', () => client.send(command, options))
    },
    async disconnect() {
      const command = new sdk.DeleteConnectionCommand({ ConnectionId })
      await request('execute-api:ManageConnections', () => client.send(command, options))
    },
  }
}

/** The connection of a session, by the rows that lead from the principal to its connections. */
async function findConnection(context: CheckContext, session: string): Promise<string> {
  const principal = principalOf(context) ?? ''
  const { store } = await context.target.backend()
  const rows = await request('dynamodb:Query', () => store.readPrincipalConnections(principal))
  const publicId = publicSessionId(session)
  const found = rows.find((row) => row.session === publicId)
  if (found !== undefined) return found.connectionId
  throw new Error(`The principal ${principal} has no connection with this token. Pass --principal with its name.`)
}
