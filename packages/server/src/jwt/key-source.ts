import { withDocs } from '@trunkline/protocol'
import {
  base64url,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type FetchImplementation,
  type JSONWebKeySet,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose'
import type { LogEntry } from '../ports/telemetry.ts'

/** Nothing is known about the token, because it could not be checked. The message is safe for clients. */
export class TokenUncheckedError extends Error {
  override readonly name = 'TokenUncheckedError'
  constructor(cause: unknown) {
    super('The token could not be checked: the keys of its issuer are not available.', { cause })
  }
}

/** Where the keys are, and how to fetch them. */
export interface RemoteKeysOptions {
  readonly jwksUri: string
  readonly timeoutMs: number
  readonly cooldownMs: number
  readonly maxAgeMs: number
  readonly log: (entry: LogEntry) => void
}

const maxBytes = 262_144 // 256 KB: some hundred keys with certificates
const retryAfterMs = 1_000 // 1 s: until then a failed fetch is not repeated

/**
 * The keys at a URL. They are fetched for the first token, again when they are older than `maxAgeMs`, and for a token
 * of an unknown key when they are older than `cooldownMs`. Concurrent tokens share a fetch. Throws a `TokenUncheckedError`
 * if the keys cannot be fetched or used.
 */
export function createRemoteKeys(options: RemoteKeysOptions): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(options.jwksUri), {
    timeoutDuration: options.timeoutMs,
    cooldownDuration: options.cooldownMs,
    cacheMaxAge: options.maxAgeMs,
    [customFetch]: createFetch(options),
  })
  return unlessUnavailable(keys)
}

/** The given keys: public keys, or secrets for HMAC. Throws a `TypeError` for a set that jose cannot read. */
export function createLocalKeys(keys: readonly JWK[]): JWTVerifyGetKey {
  if (keys.some(({ kty }) => kty === 'oct')) return createSecrets(keys)
  return unlessUnavailable(createLocalJWKSet({ keys: [...keys] }))
}

/** jose's own sets have no secrets. A token without `kid` uses the only key. */
function createSecrets(keys: readonly JWK[]): JWTVerifyGetKey {
  const secrets = keys.map(({ k = '', kid, alg }) => ({ kid, alg, secret: base64url.decode(k) }))
  return ({ kid, alg }) => {
    const usable = secrets.filter((key) => key.alg === undefined || key.alg === alg)
    const found = kid === undefined ? usable : usable.filter((key) => key.kid === kid)
    if (found.length !== 1 || found[0] === undefined) throw new errors.JWKSNoMatchingKey()
    return found[0].secret
  }
}

/** Every error of a source of keys that says nothing about the token becomes a `TokenUncheckedError`. */
function unlessUnavailable(keys: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await keys(header, token)
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error
      throw new TokenUncheckedError(error)
    }
  }
}

/** Fetches a set of keys, and logs each failure once. */
function createFetch({ jwksUri, log }: RemoteKeysOptions): FetchImplementation {
  let failed: { readonly at: number; readonly error: unknown } | undefined
  return async (url, init) => {
    if (failed !== undefined && Math.abs(Date.now() - failed.at) < retryAfterMs) throw failed.error
    failed = undefined
    try {
      return await fetchKeys(url, init)
    } catch (error) {
      failed = { at: Date.now(), error }
      const message = 'The keys of the issuer could not be fetched: connecting fails, and clients try again.'
      log({ level: 'ERROR', message, facts: { jwksUri, error: describe(error) } })
      throw error
    }
  }
}

type Init = Parameters<FetchImplementation>[1]

async function fetchKeys(url: string, init: Init): Promise<Response> {
  const response = await fetchOnLiveSocket(url, init)
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(withDocs('options', `Expected status 200, got ${response.status}.`))
  }
  const text = await readBody(response)
  checkKeySet(text)
  return new Response(text)
}

/** The codes of a kept connection that the server closed while the function was frozen. */
const brokenCodes: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

async function fetchOnLiveSocket(url: string, init: Init): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (!brokenCodes.has(codeOf(error))) throw error
    return await fetch(url, init) // on a new connection, within the same timeout
  }
}

async function readBody({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body ?? []) {
    bytes += part.length
    if (bytes > maxBytes) throw new Error(withDocs('options', `Expected at most ${maxBytes} bytes, got more.`))
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function checkKeySet(text: string): void {
  let parsed: Partial<JSONWebKeySet> | null
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw new Error(
      withDocs('options', 'Expected a JSON Web Key Set, got a text that is not JSON. Check the URL of the keys.'),
      {
        cause,
      },
    )
  }
  if (!Array.isArray(parsed?.keys) || parsed.keys.length === 0)
    throw new Error(
      withDocs('options', 'Expected a JSON Web Key Set with keys, got JSON without them. Check the URL of the keys.'),
    )
}

function codeOf(error: unknown): unknown {
  return (error as { readonly cause?: { readonly code?: unknown } } | null)?.cause?.code
}

/** The error with its cause, since fetch says only that it failed. */
function describe(error: unknown): string {
  const { name, message, cause } = error as Error
  const why = cause instanceof Error ? `: ${cause.message || String(codeOf(error))}` : ''
  return name === 'TimeoutError' ? 'No answer within the timeout.' : `${message}${why}`
}
