import type { CreateContextOptions } from '@trunkline/server'
import { jwtAuthorizer } from '@trunkline/server/jwt'
import type { Context } from '../router.ts'

/** The issuer, and the name of this line there. */
export interface OidcSettings {
  readonly issuer: string
  readonly audience: string
  readonly clock?: { readonly now: () => number }
}

/** Accepts the access tokens of an issuer of OpenID Connect. */
export function createAuthorize({ issuer, ...settings }: OidcSettings) {
  return jwtAuthorizer({ ...settings, issuer, jwksUri: `${issuer}/jwks.json` })
}

export function createContext(call: CreateContextOptions<ReturnType<typeof createAuthorize>>): Context {
  return { user: call.principal, claims: call.claims }
}
