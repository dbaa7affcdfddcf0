import { errors } from 'jose'

/** Why a token is refused. */
export interface Refusal {
  /** A name for the log. */
  readonly code: string
  /** A sentence for people. It holds nothing of the token but names of claims. */
  readonly reason: string
  /** More for the log, never the token. */
  readonly facts?: Readonly<Record<string, unknown>>
}

/** The refusals that do not depend on the token's content. */
export const refusals = {
  missing: { code: 'missing', reason: 'No token was sent.' },
  malformed: { code: 'malformed', reason: 'This is not a JSON Web Token.' },
  prefixed: { code: 'malformed', reason: 'This token begins with the word Bearer. Send it without.' },
  extension: { code: 'extension', reason: 'This token needs an extension that is not supported.' },
  algorithm: { code: 'algorithm', reason: 'This token is signed by an algorithm that is not allowed.' },
  unknownKey: { code: 'unknown-key', reason: 'This token is signed by a key that its issuer does not publish.' },
  signature: { code: 'signature', reason: 'The signature of this token is wrong.' },
  expired: { code: 'expired', reason: 'This token has expired.' },
  notYetValid: { code: 'not-yet-valid', reason: 'This token is not valid yet.' },
  issuer: { code: 'issuer', reason: 'This token is of another issuer.' },
  audience: { code: 'audience', reason: 'This token is for another audience.' },
  use: { code: 'use', reason: 'This token is for another use.' },
  principal: { code: 'principal', reason: 'This token names no principal.' },
} as const satisfies Readonly<Record<string, Refusal>>

export function missingClaim(claim: string): Refusal {
  return { code: 'missing-claim', reason: `This token has no claim ${claim}.` }
}

function invalidClaim(claim: string): Refusal {
  return { code: 'invalid-claim', reason: `The claim ${claim} of this token is invalid.` }
}

/** What each failed comparison of a claim means. */
const failedChecks = new Map<string, Refusal>([
  ['iss', refusals.issuer],
  ['aud', refusals.audience],
  ['nbf', refusals.notYetValid],
])

/** The refusal that an error of jose means. Undefined for an error that says nothing about the token. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof errors.JWTExpired) return refusals.expired
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error)
  if (error instanceof errors.JWSSignatureVerificationFailed) return refusals.signature
  if (error instanceof errors.JWKSNoMatchingKey) return refusals.unknownKey
  if (error instanceof errors.JOSEAlgNotAllowed) return refusals.algorithm
  if (error instanceof errors.JOSENotSupported) return refusals.extension
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return refusals.malformed
  return undefined
}

/** The signature is verified before the claims, so the issuer has written what the log shows. */
function claimRefusal({ claim, reason, payload }: errors.JWTClaimValidationFailed): Refusal {
  if (reason === 'missing') return missingClaim(claim)
  const refusal = (reason === 'check_failed' && failedChecks.get(claim)) || invalidClaim(claim)
  return { ...refusal, facts: { came: payload[claim] } }
}
