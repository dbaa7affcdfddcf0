import { checkOptionNames, withDocs } from '@trunkline/protocol'
import type { Json } from '../define/json.ts'
import { checkText, checkTexts, checkUrl } from './check-options.ts'
import {
  createAuthorizer,
  type JwtAuthorizer,
  type JwtClaims,
  type TokenOptions,
  tokenNames,
} from './create-authorizer.ts'
import { type Refusal, refusals } from './refusals.ts'
import type { VerifiedPayload } from './verify-token.ts'

/** A user pool, and which of its tokens are accepted. */
export type CognitoAuthorizerOptions<C extends Json = JwtClaims, A extends boolean = false> = TokenOptions<C, A> & {
  /** The id of the user pool, such as `eu-west-1_Ab129faBb`. */
  readonly userPoolId: string
  /** @default the part of `userPoolId` before `_` */
  readonly region?: string
  /** The app clients whose tokens are accepted. */
  readonly clientId: string | readonly string[]
  /** The kind of token that clients send. An access token is made for this; an ID token describes the user. */
  readonly tokenUse: 'access' | 'id'
  /**
   * The address of Cognito, for other partitions and for tests.
   * @default https://cognito-idp.<region>.amazonaws.com
   */
  readonly endpoint?: string
}

const names: Readonly<Record<keyof CognitoAuthorizerOptions<Json, boolean>, true>> = {
  ...tokenNames,
  userPoolId: true,
  region: true,
  clientId: true,
  tokenUse: true,
  endpoint: true,
}

/**
 * Creates an `authorize` that accepts the tokens of a Cognito user pool. `token_use` must be `tokenUse`. The app client
 * is `client_id` in an access token, which has no `aud`, and `aud` in an ID token. Otherwise as `jwtAuthorizer`.
 * Throws a `TypeError` for an invalid option.
 */
export function cognitoAuthorizer<C extends Json = JwtClaims, A extends boolean = false>(
  options: CognitoAuthorizerOptions<C, A>,
): JwtAuthorizer<C, A> {
  checkOptionNames('cognitoAuthorizer', options, names)
  const { userPoolId, region, clientId, tokenUse, endpoint, ...others } = options
  const issuer = issuerOf({ userPoolId, region, endpoint })
  const clients = checkTexts('clientId', clientId, 'Set it to the id of the app client of the user pool.')
  if (tokenUse !== 'access' && tokenUse !== 'id')
    throw new TypeError(
      withDocs(
        'options',
        `Expected tokenUse to be 'access' or 'id', got ${String(tokenUse)}. Use 'access' unless clients send ID tokens.`,
      ),
    )
  const accepts = (payload: VerifiedPayload): Refusal | undefined => {
    const { token_use: use, client_id: client, aud } = payload
    if (use !== tokenUse) return { ...refusals.use, facts: { expected: tokenUse, came: use } }
    const named = tokenUse === 'access' ? client : aud
    if (typeof named === 'string' && clients.includes(named)) return undefined
    return { ...refusals.audience, facts: { came: named } }
  }
  const jwksUri = `${issuer}/.well-known/jwks.json`
  return createAuthorizer({ issuer, jwksUri, algorithms: ['RS256'], accepts }, others)
}

interface Pool {
  readonly userPoolId: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
}

function issuerOf({ userPoolId, region: given, endpoint }: Pool): string {
  const advice = 'Copy it from the user pool: it is the region, _ and some letters and digits.'
  const [named] = /^[a-z0-9-]+(?=_[0-9A-Za-z]+$)/.exec(checkText('userPoolId', userPoolId, advice)) ?? []
  if (named === undefined)
    throw new TypeError(
      withDocs(
        'options',
        `Expected userPoolId such as eu-west-1_Ab129faBb, got ${JSON.stringify(userPoolId)}. ${advice}`,
      ),
    )
  const region = given ?? named
  if (region !== named)
    throw new TypeError(
      withDocs(
        'options',
        `Expected region to be ${named}, which the user pool names, got ${String(region)}. Leave region out.`,
      ),
    )
  const address = checkUrl(
    'endpoint',
    endpoint ?? `https://cognito-idp.${region}.amazonaws.com`,
    'Leave it out for the default.',
  )
  return `${address.replace(/\/$/, '')}/${userPoolId}`
}
