import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { rightsChange } from '../sign-in/requests.ts'

export interface IssuerOptions {
  /** @default a free port */
  readonly port?: number
  /** How long a token is valid. @default 5 minutes */
  readonly lifetimeSeconds?: number
  /** @default the machine's clock */
  readonly now?: () => number
}

/**
 * The issuer of tokens for development and tests. It believes every name, so it listens on this machine alone. Whoever
 * signs in as `mod` is a moderator.
 */
export interface Issuer extends AsyncDisposable {
  /** Its address, which is `iss` in its tokens. */
  readonly url: string
  /** How many tokens it has issued to a name. */
  issuedTo(name: string): number
}

/** What an answer is: a status, and a body as JSON. */
interface Answer {
  readonly status: number
  readonly body?: unknown
}

const audience = 'chat'
const moderators: ReadonlySet<string> = new Set(['mod'])

/**
 * Starts an issuer with a new key. `POST /token` signs in by a name, `POST /rights` takes a room from somebody or gives
 * it back, for a moderator's token, and `GET /jwks.json` has the key.
 */
export async function startIssuer(options: IssuerOptions = {}): Promise<Issuer> {
  const { port = 0, lifetimeSeconds = 300, now = () => Date.now() } = options
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const kid = `development-${Date.now().toString(36)}` // functions that know the key of an earlier run fetch this one
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }] }
  const issued = new Map<string, number>()
  const lost = new Map<string, ReadonlySet<string>>()

  const signIn = async (name: string) => {
    issued.set(name, (issued.get(name) ?? 0) + 1)
    const iat = Math.floor(now() / 1_000)
    const rights = { roles: moderators.has(name) ? ['moderator'] : [], lost_rooms: [...(lost.get(name) ?? [])] }
    return new SignJWT({
      name,
      ...rights,
      sub: `user:${name}`,
      aud: audience,
      iss: url,
      iat,
      exp: iat + lifetimeSeconds,
    })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(privateKey)
  }
  const isModerator = async ({ headers: { authorization = '' } }: IncomingMessage) => {
    const token = authorization.replace(/^Bearer /, '')
    const currentDate = new Date(now())
    const verified = await jwtVerify(token, publicKey, { issuer: url, audience, currentDate }).catch(() => undefined)
    return Array.isArray(verified?.payload['roles']) && verified.payload['roles'].includes('moderator')
  }
  const answers: Readonly<Record<string, (request: IncomingMessage) => Promise<Answer>>> = {
    'GET /jwks.json': async () => ({ status: 200, body: jwks }),
    'POST /token': async (request) => {
      const name = new URLSearchParams(await textOf(request)).get('username') ?? ''
      if (name === '') return { status: 400, body: { error: 'Expected a username.' } }
      const token = await signIn(name) // the line decides which names it accepts
      return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: lifetimeSeconds } }
    },
    'POST /rights': async (request) => {
      const change = rightsChange.safeParse(parse(await textOf(request)))
      if (!change.success) return { status: 400, body: { error: 'Expected { name, room, lost }.' } }
      if (!(await isModerator(request))) return { status: 403, body: { error: 'Only a moderator may do that.' } }
      const { name, room, lost: isLost } = change.data
      const others = [...(lost.get(name) ?? [])].filter((each) => each !== room)
      lost.set(name, new Set(isLost ? [...others, room] : others))
      return { status: 204 }
    },
  }
  const server = createServer((request, response) => void respond(request, response, answers))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    issuedTo: (name) => issued.get(name) ?? 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const ownPage = /^http:\/\/(?:localhost|127\.0\.0\.1)(?::\d+)?$/

/** Answers pages of this machine only. */
async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answers: Readonly<Record<string, (request: IncomingMessage) => Promise<Answer>>>,
): Promise<void> {
  const { origin } = request.headers
  if (origin !== undefined && ownPage.test(origin)) {
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('access-control-allow-headers', 'authorization, content-type')
    response.setHeader('vary', 'origin')
  }
  const name = `${request.method} ${request.url}`
  const answer = Object.hasOwn(answers, name) ? answers[name] : undefined
  const unknown = { status: request.method === 'OPTIONS' ? 204 : 404 }
  const { status, body }: Answer = (await answer?.(request).catch(() => ({ status: 500 }))) ?? unknown
  response.setHeader('content-type', 'application/json')
  response.writeHead(status).end(body === undefined ? '' : JSON.stringify(body))
}

const longest = 10_000 // characters of a body: a name or a change

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) {
    text += part
    if (text.length > longest) throw new Error(`Expected at most ${longest} characters, got more.`)
  }
  return text
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
