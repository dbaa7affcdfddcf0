import { checkOptionNames } from '@trunkline/protocol'
import type { JWK } from 'jose'
import type { Json } from '../define/json.ts'
import { checkText, checkTexts, type JwtAlgorithm } from './check-options.ts'
import {
  createAuthorizer,
  type JwtAuthorizer,
  type JwtClaims,
  type TokenOptions,
  tokenNames,
} from './create-authorizer.ts'

/** The issuer of the tokens, and what they must say. */
export type JwtAuthorizerOptions<C extends Json = JwtClaims, A extends boolean = false> = TokenOptions<C, A> &
  KeyOptions & {
    /** The value of `iss`. */
    readonly issuer: string
    /** Values of `aud`; a token must have one of them. It names this line at the issuer. */
    readonly audience: string | readonly string[]
    /**
     * The algorithms that a token may be signed by. `HS256`, `HS384` and `HS512` are allowed only with secrets in
     * `keys`. `none` is never allowed.
     * @default every algorithm of a public key: RS, PS, ES, EdDSA
     */
    readonly algorithms?: readonly JwtAlgorithm[]
  }

/** Where the keys of the issuer come from: one of two. */
export type KeyOptions =
  | {
      /** The URL of the issuer's JSON Web Key Set, of https; http is allowed for this machine. */
      readonly jwksUri: string
      readonly keys?: undefined
    }
  | {
      /** The keys themselves, as JSON Web Keys: public ones, or secrets of an algorithm that `algorithms` names. */
      readonly keys: readonly JWK[] | { readonly keys: readonly JWK[] }
      readonly jwksUri?: undefined
    }

const names: Readonly<Record<keyof JwtAuthorizerOptions<Json, boolean>, true>> = {
  ...tokenNames,
  issuer: true,
  audience: true,
  algorithms: true,
  jwksUri: true,
  keys: true,
}

/**
 * Creates an `authorize` that accepts the JSON Web Tokens of one issuer. A token must have a valid signature, the
 * issuer, one of the audiences and an expiry, which becomes `expiresAt`. A token that does not pass is denied with a
 * reason for people. If the keys cannot be fetched, the returned function rejects with a `TokenUncheckedError`: the
 * handshake fails, and the client tries again. Keys are kept between the invocations of a function.
 * Throws a `TypeError` for an invalid option.
 */
export function jwtAuthorizer<C extends Json = JwtClaims, A extends boolean = false>(
  options: JwtAuthorizerOptions<C, A>,
): JwtAuthorizer<C, A> {
  checkOptionNames('jwtAuthorizer', options, names)
  const { issuer, audience, jwksUri, keys, algorithms, ...others } = options
  const rules = {
    issuer: checkText('issuer', issuer, 'Set it to the value of "iss" in your tokens.'),
    audience: checkTexts('audience', audience, 'Set it to the value of "aud" in your tokens, which names this line.'),
  }
  return createAuthorizer({ ...rules, jwksUri, keys, algorithms }, others)
}
