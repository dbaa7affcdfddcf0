import type { CreateContextOptions } from '@trunkline/server'
import { cognitoAuthorizer } from '@trunkline/server/jwt'
import type { Context } from '../router.ts'

/** The user pool, and its app client. */
export interface CognitoSettings {
  readonly userPoolId: string
  readonly clientId: string
  /** The address of a local issuer. @default Cognito */
  readonly endpoint?: string
  readonly clock?: { readonly now: () => number }
}

/** Accepts the access tokens of a user pool. */
export function createAuthorize(settings: CognitoSettings) {
  return cognitoAuthorizer({ ...settings, tokenUse: 'access' })
}

export function createContext(call: CreateContextOptions<ReturnType<typeof createAuthorize>>): Context {
  return { user: call.principal, claims: call.claims }
}
