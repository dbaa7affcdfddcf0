import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import type { ConnectRequest } from '../define/identity.ts'

/** A key pair of an issuer, under its `kid`. */
export interface IssuerKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function createKey(kid: string, alg = 'ES256'): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** An issuer of tokens on this machine, whose answers a test may replace. */
export interface Issuer {
  readonly url: string
  readonly jwksUri: string
  /** The keys that it publishes. */
  keys: readonly IssuerKey[]
  /** The number of requests for the keys. */
  requests: number
  /** Answers the requests. Undefined publishes `keys`. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** Signs a token of this issuer for `line` that ends in 10 minutes. `claims` and `header` replace parts of it. */
  sign(claims?: JWTPayload, options?: { readonly key?: IssuerKey; readonly header?: object }): Promise<string>
  close(): Promise<void>
}

export async function startIssuer(...keys: readonly IssuerKey[]): Promise<Issuer> {
  const server = createServer((request, response) => {
    issuer.requests++
    if (issuer.answer !== undefined) return issuer.answer(request, response)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) }))
  })
  const url = await listen(server)
  const issuer: Issuer = {
    url,
    jwksUri: `${url}/jwks.json`,
    keys,
    requests: 0,
    answer: undefined,
    async sign(claims = {}, { key = issuer.keys[0], header = {} } = {}) {
      if (key === undefined) throw new Error('expected an issuer with a key')
      const now = Math.floor(Date.now() / 1_000)
      return new SignJWT({ iss: url, aud: 'line', sub: 'ann', iat: now, exp: now + 600, ...claims })
        .setProtectedHeader({ alg: key.alg, kid: key.kid, ...header })
        .sign(key.privateKey)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return issuer
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A handshake with this token. */
export function requestWith(token: string | undefined, query: ConnectRequest['query'] = {}): ConnectRequest {
  return { token, headers: {}, subprotocols: [], query, cookies: {}, origin: undefined, sourceIp: '192.0.2.1' }
}

/** Seconds since the epoch, this many from now. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1_000) + seconds
}
