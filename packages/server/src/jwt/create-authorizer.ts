import { tokenFlaw, withDocs } from '@trunkline/protocol'
import type { JWK, JWTVerifyGetKey } from 'jose'
import {
  anonymous,
  type ConnectRequest,
  type Denied,
  deny,
  type Identity,
  isDenied,
  tokenOf,
} from '../define/identity.ts'
import type { Json } from '../define/json.ts'
import type { WallClock } from '../ports/clock.ts'
import { logOnConsole } from '../ports/console-log.ts'
import type { LogEntry } from '../ports/telemetry.ts'
import {
  checkAlgorithms,
  checkFunction,
  checkKeys,
  checkNumber,
  checkText,
  checkTexts,
  checkUrl,
  type JwtAlgorithm,
} from './check-options.ts'
import { createLocalKeys, createRemoteKeys } from './key-source.ts'
import { type Refusal, refusals } from './refusals.ts'
import { type VerifiedPayload, verifyToken } from './verify-token.ts'

/**
 * The claims that are kept by default: what the caller may do. Names, addresses and everything else of the token are
 * left out, because claims are stored with the connection.
 */
export type JwtClaims = {
  /** `scope`, as OAuth writes it: words with spaces between them. */
  readonly scope?: string
  readonly roles?: readonly string[]
  /** `groups`, or `cognito:groups`. */
  readonly groups?: readonly string[]
}

/** `authorize` for `createLambdaHandlers`. */
export type JwtAuthorizer<C extends Json, A extends boolean> = (
  request: ConnectRequest,
) => Promise<Identity<C> | Denied | (A extends true ? typeof anonymous : never)>

/** The options that `jwtAuthorizer` and `cognitoAuthorizer` share. */
export interface TokenOptions<C extends Json, A extends boolean> {
  /**
   * How far the clocks of the issuer and of the function may be apart, from 0 to 300 seconds. It applies to `nbf` and
   * to whether `exp` has passed.
   * @default 5
   */
  readonly clockToleranceSeconds?: number
  /** Claims that a token must have in addition to `exp`. Their values are not compared. @default none */
  readonly requiredClaims?: readonly string[]
  /** Returns the caller's name. A token for which it returns no text is refused. @default `sub` */
  readonly principal?: (payload: VerifiedPayload) => string
  /**
   * Returns what `createContext` gets as `claims`. They are stored with the connection, and at most 7 KB of them pass
   * the authorizer. @default `scope`, `roles` and `groups`, where the token has them
   */
  readonly claims?: (payload: VerifiedPayload) => C
  /** Called after everything else was checked. Return `deny(reason)` to refuse the token, or undefined. */
  readonly check?: (payload: VerifiedPayload) => Denied | undefined | Promise<Denied | undefined>
  /** True: a caller without a token is accepted as `anonymous`. A token that is sent is checked. @default false */
  readonly anonymous?: A
  /**
   * The name of a query parameter that may hold the token when the subprotocol has none. URLs are written to access
   * logs, histories and crash reports, so use it only for tokens that end within minutes.
   * @default a token in the query is ignored
   */
  readonly allowTokenInQuery?: string
  /** How long a fetch of the keys may take, from 100 to 10,000 milliseconds. @default 2_000 */
  readonly timeoutMs?: number
  /**
   * A token with an unknown key fetches the keys again only if they are at least this old, from 0 to 3,600 seconds.
   * @default 30
   */
  readonly cooldownSeconds?: number
  /** How long fetched keys are used, from 1 to 86,400 seconds. @default 600 */
  readonly maxAgeSeconds?: number
  /** Receives each refusal and each failed fetch, without the token. @default JSON lines on the console */
  readonly log?: (entry: LogEntry) => void
  /** Decides whether a token has expired. @default the machine's clock */
  readonly clock?: WallClock
}

/** The part of the options that differs between `jwtAuthorizer` and `cognitoAuthorizer`. */
export interface TokenRules {
  readonly issuer: string
  readonly audience?: readonly string[]
  readonly jwksUri?: string | undefined
  readonly keys?: readonly JWK[] | { readonly keys: readonly JWK[] } | undefined
  readonly algorithms?: readonly JwtAlgorithm[] | undefined
  /** Called before the application's own `check`. */
  readonly accepts?: (payload: VerifiedPayload) => Refusal | undefined
}

/** The options that both authorizers have. */
export const tokenNames: Readonly<Record<keyof TokenOptions<Json, boolean>, true>> = {
  clockToleranceSeconds: true,
  requiredClaims: true,
  principal: true,
  claims: true,
  check: true,
  anonymous: true,
  allowTokenInQuery: true,
  timeoutMs: true,
  cooldownSeconds: true,
  maxAgeSeconds: true,
  log: true,
  clock: true,
}

/** Creates the authorizer of one issuer. Throws a `TypeError` for an invalid option. */
export function createAuthorizer<C extends Json, A extends boolean>(
  rules: TokenRules,
  options: TokenOptions<C, A>,
): JwtAuthorizer<C, A> {
  const { issuer, audience, accepts = () => undefined } = rules
  const { log = logOnConsole, clock = { now: () => Date.now() }, allowTokenInQuery, check } = options
  const { principal = subjectOf, claims = permissionsOf } = options
  checkFunctions(options)
  const algorithms = checkAlgorithms(rules.algorithms)
  const keys = createKeys(rules, algorithms, { ...options, log })
  const clockTolerance = checkNumber('clockToleranceSeconds', options.clockToleranceSeconds ?? 5, [0, 300])
  const requiredClaims = ['exp', ...checkNames(options)]
  const expected = {
    ...{ issuer, algorithms: [...algorithms], clockTolerance, requiredClaims },
    ...(audience !== undefined && { audience: [...audience] }),
  }

  const refuse = ({ code, reason, facts }: Refusal): Denied => {
    log({ level: 'WARN', message: 'Refused a token.', facts: { refusal: code, reason, issuer, ...facts } })
    return deny(reason)
  }

  const authorize = async (request: ConnectRequest): Promise<Identity<Json> | Denied | typeof anonymous> => {
    const { token: sent, mayFollow } = tokenOf(request)
    const token = sent ?? (allowTokenInQuery === undefined ? undefined : request.query[allowTokenInQuery])
    if (token === undefined) return options.anonymous === true || mayFollow ? anonymous : refuse(refusals.missing)
    const flaw = tokenFlaw(token)
    if (flaw !== undefined) return refuse({ code: 'size', reason: flaw })
    if (/^bearer\s/i.test(token)) return refuse(refusals.prefixed)
    const { payload, refusal } = await verifyToken(token, keys, { ...expected, currentDate: new Date(clock.now()) })
    if (refusal !== undefined) return refuse(refusal)
    const own = accepts(payload) ?? (check && toRefusal(await check(payload)))
    if (own !== undefined) return refuse(own)
    const name: unknown = principal(payload)
    if (typeof name !== 'string' || name === '') return refuse(refusals.principal)
    const identity = { principal: name, claims: claims(payload), expiresAt: new Date(payload.exp * 1_000) }
    return { ...identity, ...(payload.iat !== undefined && { issuedAt: new Date(payload.iat * 1_000) }) }
  }
  return authorize as JwtAuthorizer<C, A> // `C` is what `claims` returns, and `anonymous` needs `A`
}

function createKeys(
  { jwksUri, keys }: TokenRules,
  algorithms: readonly string[],
  { timeoutMs = 2_000, cooldownSeconds = 30, maxAgeSeconds = 600, log }: TokenOptions<Json, boolean> & Logs,
): JWTVerifyGetKey {
  const given = checkKeys({ jwksUri, keys }, algorithms)
  const remote = {
    timeoutMs: checkNumber('timeoutMs', timeoutMs, [100, 10_000]),
    cooldownMs: checkNumber('cooldownSeconds', cooldownSeconds, [0, 3_600]) * 1_000,
    maxAgeMs: checkNumber('maxAgeSeconds', maxAgeSeconds, [1, 86_400]) * 1_000,
    log,
  }
  if (given !== undefined) return createLocalKeys(given)
  const advice = 'Set it to the "jwks_uri" of your issuer.'
  return createRemoteKeys({ ...remote, jwksUri: checkUrl('jwksUri', jwksUri, advice) })
}

interface Logs {
  readonly log: (entry: LogEntry) => void
}

function checkFunctions(options: TokenOptions<Json, boolean>): void {
  for (const name of ['principal', 'claims', 'check', 'log'] as const) checkFunction(name, options[name])
}

/** Returns the required claims. */
function checkNames({ requiredClaims = [], allowTokenInQuery }: TokenOptions<Json, boolean>): readonly string[] {
  if (allowTokenInQuery !== undefined)
    checkText('allowTokenInQuery', allowTokenInQuery, "Set it to the parameter's name, such as 'token'.")
  if (requiredClaims.length === 0) return []
  return checkTexts('requiredClaims', requiredClaims, 'Name the claims that each token must have.')
}

/** Only `deny(reason)` and undefined are answers: another value may be meant either way. Throws a `TypeError`. */
function toRefusal(answer: Denied | undefined): Refusal | undefined {
  if (answer === undefined) return undefined
  if (typeof answer === 'object' && isDenied(answer)) return { code: 'check', reason: answer.reason }
  throw new TypeError(
    withDocs('identities', `Expected check to return deny(reason) or undefined, got ${String(answer)}.`),
  )
}

function subjectOf({ sub }: VerifiedPayload): string {
  return sub ?? ''
}

function permissionsOf(payload: VerifiedPayload): JwtClaims {
  const { scope } = payload
  const roles = toTexts(payload['roles'])
  const groups = toTexts(payload['groups'] ?? payload['cognito:groups'])
  return {
    ...(typeof scope === 'string' && { scope }),
    ...(roles !== undefined && { roles }),
    ...(groups !== undefined && { groups }),
  }
}

function toTexts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : undefined
}
