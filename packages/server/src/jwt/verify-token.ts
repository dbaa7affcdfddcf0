import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import { missingClaim, type Refusal, refusalOf, refusals } from './refusals.ts'

/** What a verified token says. It has an expiry. */
export type VerifiedPayload = JWTPayload & { readonly exp: number }

/** A token that passed, or why it did not. */
export type Verified =
  | { readonly payload: VerifiedPayload; readonly refusal?: undefined }
  | { readonly payload?: undefined; readonly refusal: Refusal }

const latestSeconds = 8_640_000_000_000 // the last second that a Date can hold

/**
 * Verifies the signature and the claims of a token. Throws what says nothing about the token: it could not be checked.
 */
export async function verifyToken(
  token: string,
  keys: JWTVerifyGetKey,
  options: JWTVerifyOptions & { readonly requiredClaims: string[] },
): Promise<Verified> {
  try {
    const { payload } = await verifyByAnyKey(token, keys, options)
    const { exp } = payload
    if (exp === undefined) return { refusal: missingClaim('exp') }
    if (!(exp > 0 && exp <= latestSeconds)) return { refusal: refusals.expired }
    return { payload: { ...payload, exp } }
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    return { refusal: { ...refusal, facts: { ...headerOf(token), ...refusal.facts } } }
  }
}

/** Verifies a token. If the token names no key and several keys match, tries each until one verifies it. */
async function verifyByAnyKey(token: string, keys: JWTVerifyGetKey, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(token, keys, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options)
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

/** The algorithm and the key that a token names, shortened, since anybody can write them. */
function headerOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const { alg, kid } = decodeProtectedHeader(token)
    return { alg: shorten(alg), kid: shorten(kid) }
  } catch {
    return {}
  }
}

function shorten(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 80) : undefined
}
