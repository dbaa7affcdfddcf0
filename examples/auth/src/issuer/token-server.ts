import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/** What a request for a token names. */
export interface TokenRequest {
  readonly user: string
  /** The application that the token is for. */
  readonly client: string
  readonly scope: string
}

/** How an issuer differs from others. */
export interface IssuerOptions {
  /** The path below which it is, such as `/eu-west-1_Example`. @default none */
  readonly path?: string
  /** The path of its keys. */
  readonly keysPath: string
  /** The claims of a token in addition to `iss`, `iat` and `exp`. */
  readonly claims: (request: TokenRequest) => JWTPayload
  /** @default the machine's clock */
  readonly now?: () => number
}

/** An issuer of tokens on this machine. It believes every user name: it is for development and tests alone. */
export interface TokenServer extends AsyncDisposable {
  /** Its address, which is `iss` in its tokens. */
  readonly issuer: string
  /** Requests a token over HTTP, as an application does after a login. The token ends after 10 minutes. */
  token(request?: Partial<TokenRequest>): Promise<string>
}

const lifetimeSeconds = 600

/** Starts an issuer with a new RS256 key: its keys, its metadata, and `POST <issuer>/token`. */
export async function startTokenServer(options: IssuerOptions): Promise<TokenServer> {
  const { path = '', keysPath, claims, now = () => Date.now() } = options
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const kid = 'development'
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }] }

  const sign = (request: TokenRequest) => {
    const iat = Math.floor(now() / 1_000)
    return new SignJWT({ ...claims(request), iss: issuer, iat, exp: iat + lifetimeSeconds })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(privateKey)
  }
  const answers: Readonly<Record<string, (request: IncomingMessage) => Promise<unknown>>> = {
    [`GET ${path}${keysPath}`]: async () => jwks,
    [`GET ${path}/.well-known/openid-configuration`]: async () => ({ issuer, jwks_uri: `${issuer}${keysPath}` }),
    [`POST ${path}/token`]: async (request) => {
      const form = new URLSearchParams(await textOf(request))
      const wanted = { user: form.get('user') ?? '', client: form.get('client') ?? '', scope: form.get('scope') ?? '' }
      return { access_token: await sign(wanted), token_type: 'Bearer', expires_in: lifetimeSeconds }
    },
  }
  const server = createServer((request, response) => {
    const answer = answers[`${request.method} ${request.url}`]
    void respond(response, answer?.(request))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  return {
    issuer,
    async token({ user = 'ann', client = 'line', scope = 'read' } = {}) {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({ user, client, scope }),
      })
      const { access_token: token } = (await response.json()) as { readonly access_token: string }
      return token
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function respond(response: ServerResponse, answer: Promise<unknown> | undefined): Promise<void> {
  if (answer === undefined) return void response.writeHead(404).end()
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(await answer))
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}
