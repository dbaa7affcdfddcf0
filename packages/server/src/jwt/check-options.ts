import { withDocs } from '@trunkline/protocol'
import type { JWK } from 'jose'

/** The algorithms that a token may be signed by. */
export type JwtAlgorithm = (typeof asymmetric)[number] | 'HS256' | 'HS384' | 'HS512'

/** The default: the issuer signs with a private key, and this line knows only the public one. */
export const asymmetric = [
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
] as const

/** The shortest secret of each HMAC algorithm, in bytes: the length of its hash (RFC 7518). */
const secretBytes: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }

/** Throws a `TypeError` that says what was expected, what came and what to do. */
function refuse(option: string, came: unknown, { expected, advice }: Refused): never {
  throw new TypeError(withDocs('options', `Expected ${option} to be ${expected}, got ${show(came)}. ${advice}`))
}

interface Refused {
  readonly expected: string
  readonly advice: string
}

/** A value in an error. Functions and objects are named by their type, since a key may be one. */
function show(value: unknown): string {
  if (typeof value === 'string' || Array.isArray(value)) return JSON.stringify(value)
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

const forDefault = 'Leave it out for the default.'

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

export function checkText(option: string, value: unknown, advice: string): string {
  return isText(value) ? value : refuse(option, value, { expected: 'a text', advice })
}

/** One text or several, as an array. */
export function checkTexts(option: string, value: unknown, advice: string): readonly string[] {
  const texts = [value].flat()
  if (texts.length > 0 && texts.every(isText)) return texts
  return refuse(option, value, { expected: 'a text or an array of texts', advice })
}

export function checkNumber(option: string, value: number, [least, most]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  return refuse(option, value, { expected: `a whole number from ${least} to ${most}`, advice: forDefault })
}

export function checkFunction(option: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  refuse(option, value, { expected: 'a function', advice: forDefault })
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** A URL of https, or of http on this machine. */
export function checkUrl(option: string, value: unknown, advice: string): string {
  const url = isText(value) && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined) return refuse(option, value, { expected: 'a URL that begins with https://', advice })
  if (url.username !== '' || url.password !== '')
    return refuse(option, 'one with it', { expected: 'a URL without a password', advice: 'The keys are public.' })
  if (url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname))) return url.href
  return refuse(option, value, {
    expected: 'a URL that begins with https://',
    advice: 'Over http, an attacker on the network could replace the keys. http is allowed only for localhost.',
  })
}

/** Either `jwksUri` or `keys`. Returns the keys, or undefined for `jwksUri`. */
export function checkKeys(
  { jwksUri, keys }: { readonly jwksUri?: unknown; readonly keys?: unknown },
  algorithms: readonly string[],
): readonly JWK[] | undefined {
  if (jwksUri !== undefined && keys !== undefined)
    throw new TypeError(
      withDocs('options', 'Expected either jwksUri or keys, got both. Leave out keys to fetch them from jwksUri.'),
    )
  if (jwksUri === undefined && keys === undefined)
    throw new TypeError(
      withDocs(
        'options',
        'Expected either jwksUri or keys, got neither. Set jwksUri to the "jwks_uri" of your issuer, which <issuer>/.well-known/openid-configuration names.',
      ),
    )
  const hmac = algorithms.filter((algorithm) => Object.hasOwn(secretBytes, algorithm))
  if (keys === undefined) {
    if (hmac.length > 0)
      throw new TypeError(
        withDocs(
          'options',
          `Expected algorithms of public keys with jwksUri, got ${hmac.join(', ')}. A secret is never at a URL: give it in keys, or leave out ${hmac.join(', ')}.`,
        ),
      )
    return undefined
  }
  const list = Array.isArray(keys) ? keys : (keys as { readonly keys?: unknown } | null)?.keys
  if (!Array.isArray(list) || list.length === 0 || !list.every(isJwk))
    return refuse('keys', keys, {
      expected: 'JSON Web Keys, as an array or as { keys: […] }',
      advice: 'Convert other keys with exportJWK of jose.',
    })
  for (const key of list) checkKey(key, hmac)
  if (hmac.length > 0 && hmac.length < algorithms.length)
    throw new TypeError(
      withDocs(
        'options',
        `Expected algorithms of one kind, got ${algorithms.join(', ')}. If both kinds were allowed, a token could be signed with a public key as its secret. Leave out one kind.`,
      ),
    )
  return list
}

function isJwk(key: unknown): key is JWK {
  return isText((key as JWK | null | undefined)?.kty)
}

function checkKey({ kty, k, d }: JWK, hmac: readonly string[]): void {
  if (kty === 'oct' && hmac.length === 0)
    throw new TypeError(
      withDocs(
        'options',
        'Expected public keys, got a secret (kty "oct"). To check tokens with a secret, name its algorithm: algorithms: [\'HS256\'].',
      ),
    )
  if (kty !== 'oct' && hmac.length > 0)
    throw new TypeError(
      withDocs(
        'options',
        `Expected secrets (kty "oct") for ${hmac.join(', ')}, got a key of kty ${show(kty)}. Leave out ${hmac.join(', ')} for public keys.`,
      ),
    )
  if (kty !== 'oct' && d !== undefined)
    throw new TypeError(
      withDocs('options', 'Expected public keys, got a private one. Leave out its private members, such as d.'),
    )
  for (const algorithm of hmac) {
    const [least = 0, bytes] = [secretBytes[algorithm], Buffer.from(k ?? '', 'base64url').length]
    if (bytes < least)
      throw new TypeError(
        withDocs(
          'options',
          `Expected a secret of at least ${least} bytes for ${algorithm}, got ${bytes} bytes. Make a new one.`,
        ),
      )
  }
}

/** The algorithms that are allowed. */
export function checkAlgorithms(algorithms: unknown): readonly string[] {
  const allowed: readonly string[] = [...asymmetric, ...Object.keys(secretBytes)]
  const list = algorithms === undefined ? asymmetric : algorithms
  if (Array.isArray(list) && list.length > 0 && list.every((each) => allowed.includes(each))) return list
  return refuse('algorithms', algorithms, {
    expected: `an array of ${allowed.join(', ')}`,
    advice: 'A token that is not signed ("none") is never accepted. Leave it out to allow all of public keys.',
  })
}
