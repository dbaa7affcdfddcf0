import { defined, parseOffer, SUBPROTOCOL, tokenFlaw, withDocs } from '@trunkline/protocol'
import { describeValue } from '../../define/describe-value.ts'
import {
  type AuthorizeResult,
  anonymous,
  type ConnectRequest,
  deny,
  type Identity,
  isDenied,
} from '../../define/identity.ts'
import type { Json } from '../../define/json.ts'
import type { AuditEvent, Recorder } from '../../ports/telemetry.ts'
import type { ConnectionCaller, ConnectionParams } from '../../runtime/context/caller.ts'
import { publicSessionId } from '../../runtime/context/public-session.ts'
import type { Anonymous, Identified } from '../../runtime/context/served-application.ts'
import type { GatewayEvent } from '../events/events.ts'
import { thrownEntry } from '../events/thrown-entry.ts'
import { type AllowsOrigin, foreignOrigin } from './origins.ts'

/** The checks that decide about a handshake. */
export interface AdmissionOptions {
  readonly authorize: ((request: ConnectRequest) => AuthorizeResult | Promise<AuthorizeResult>) | undefined
  readonly allowsOrigin: AllowsOrigin
}

/**
 * The result of a handshake: a caller, or a page of an origin that is not allowed. A caller that `authorize` denied is
 * admitted with `refused`, so that its first frame can be answered with the reason.
 */
export type Admission =
  | { readonly status: 'admitted'; readonly caller: ConnectionCaller }
  | { readonly status: 'foreign-origin'; readonly origin: string }

/** What `authorize` says of a caller. */
export type CallerIdentity = Pick<ConnectionCaller, 'principal' | 'claims' | 'authExp' | 'issuedAt' | 'refused'>

type Handshake = Pick<GatewayEvent, 'headers' | 'queryStringParameters' | 'requestContext'>

/**
 * Decides who connects, and logs and counts refusals. API Gateway does not check origins, so this does, and refuses
 * browsers by default [TL-HS-4]. Throws what `authorize` throws.
 */
export async function admit(options: AdmissionOptions, event: Handshake, telemetry: Recorder): Promise<Admission> {
  const admission = await decide(options, event, telemetry)
  if (admission.status === 'foreign-origin') {
    telemetry.log({ level: 'WARN', message: foreignOrigin, facts: { origin: admission.origin } })
  }
  recordDenied(admission, event.requestContext, telemetry)
  return admission
}

/** Counts a handshake or an HTTP request that is refused, and records the audit event. */
export function recordDenied(
  admission: Admission,
  connection: Pick<ConnectionCaller, 'connectionId'>,
  telemetry: Recorder,
): void {
  const denied = deniedEvent(admission, connection)
  if (denied !== undefined) telemetry.measure('refused', 1)
  if (denied !== undefined) telemetry.audit?.(denied)
}

/** The audit event of a handshake that is refused. Undefined for one that is admitted. */
function deniedEvent(
  admission: Admission,
  { connectionId }: Pick<GatewayEvent['requestContext'], 'connectionId'>,
): AuditEvent | undefined {
  if (admission.status === 'foreign-origin')
    return { action: 'deny', connectionId, reason: 'foreign origin', facts: { origin: admission.origin } }
  const { session, refused } = admission.caller
  if (refused === undefined) return undefined
  return { action: 'deny', connectionId, sessionId: publicSessionId(session), reason: refused }
}

async function decide(options: AdmissionOptions, event: Handshake, telemetry: Recorder): Promise<Admission> {
  const request = toConnectRequest(event)
  const { origin } = request
  if (origin !== undefined) {
    const onError = (thrown: unknown) => telemetry.log(thrownEntry('`origins` threw.', { origin }, thrown))
    if (!(await options.allowsOrigin(origin, onError))) return { status: 'foreign-origin', origin }
  }
  const offer = parseOffer(request.headers['sec-websocket-protocol'])
  const { connectionId } = event.requestContext
  const identity = await identityOf(options, request, telemetry)
  const base = {
    connectionId,
    session: offer?.session ?? connectionId, // [TL-HS-3]
    extensions: offer !== undefined,
    expectsParams: request.announcesParams === true,
    namesSessions: true,
    ...(request.query['explain'] === '1' && { explains: true as const }), // [TL-KICK-4]
  }
  return { status: 'admitted', caller: { ...base, ...identity } }
}

/** What `authorize` says of a request whose origin was checked. Throws what it throws. */
export async function identityOf(
  options: AdmissionOptions,
  request: ConnectRequest,
  telemetry: Recorder,
): Promise<CallerIdentity> {
  const flaw = request.token === undefined ? undefined : tokenFlaw(request.token) // [TL-LIM-9]
  const result = flaw === undefined ? await callAuthorize(options, request) : deny(flaw)
  return toIdentity(result, (entry) => telemetry.log(entry))
}

async function callAuthorize({ authorize }: AdmissionOptions, request: ConnectRequest): Promise<AuthorizeResult> {
  return authorize === undefined ? anonymous : authorize(request)
}

/** The identity of the token of an `auth` frame. `authorize` gets only the token, because there is no handshake. */
export async function identify(
  authorize: AdmissionOptions['authorize'],
  token: string,
  log: Recorder['log'],
): Promise<Identified> {
  if (authorize === undefined)
    return {
      status: 'refused',
      reason: 'This application has no authorize and accepts no tokens. Connect without a token.',
    }
  const identified = toIdentified(await authorize({ ...noHandshake, token }), log)
  if (identified.status !== 'anonymous') return identified
  const reason = 'authorize accepted this token as anonymous. Use the token of a known caller.'
  return { status: 'refused', reason }
}

/**
 * The identity of announced connection parameters. `authorize` gets only the parameters, because the handshake is over.
 * Throws a `RangeError` for claims that are larger than an authorizer function may return.
 */
export async function identifyParams(
  authorize: NonNullable<AdmissionOptions['authorize']>,
  connectionParams: ConnectionParams,
  log: Recorder['log'],
): Promise<Identified | Anonymous> {
  const identified = toIdentified(await authorize({ ...noHandshake, connectionParams }), log)
  if (identified.status === 'known') checkCallerBytes(`${identified.principal}${identified.claims}`)
  return identified
}

const noHandshake: ConnectRequest = {
  token: undefined,
  headers: {},
  subprotocols: [],
  query: {},
  cookies: {},
  origin: undefined,
  sourceIp: '',
}

function toIdentified(result: AuthorizeResult, log: Recorder['log']): Identified | Anonymous {
  const { principal, claims, authExp, issuedAt, refused } = toIdentity(result, log)
  if (refused !== undefined) return { status: 'refused', reason: refused }
  if (principal === null || claims === undefined || authExp === undefined) return { status: 'anonymous' }
  return { status: 'known', principal, claims, authExp, ...defined({ issuedAt }) }
}

const resultBytes = 8_192 // API Gateway's limit of an authorizer's whole result
const envelopeBytes = 1_024 // of the result, apart from the caller

/** Throws a `RangeError` for a caller, as JSON text, that an authorizer function cannot return. */
export function checkCallerBytes(text: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > resultBytes - envelopeBytes)
    throw new RangeError(
      withDocs(
        'identities',
        `The caller with its claims is ${bytes} bytes; an authorizer can return ${resultBytes - envelopeBytes}. Put an id into the claims and load the rest.`,
      ),
    )
}

const earliestMs = 1_000_000_000_000 // 2001-09-09; an expiry in seconds, taken as milliseconds, is earlier

/**
 * Throws a `TypeError` for an invalid result of `authorize`. An expiry in seconds is refused and logged with an
 * explanation.
 */
function toIdentity(result: AuthorizeResult, log: Recorder['log']): CallerIdentity {
  if (result === anonymous) return { principal: null }
  if (isDenied(result)) return { principal: null, refused: result.reason }
  const authExp = result?.expiresAt?.getTime?.() ?? Number.NaN
  if (typeof result?.principal !== 'string' || result.principal === '' || Number.isNaN(authExp))
    throw new TypeError(
      withDocs(
        'identities',
        `Expected authorize to return { principal, claims, expiresAt: Date }, deny(reason) or anonymous, got ${describeResult(result)} The principal is a text and expiresAt a valid date.`,
      ),
    )
  if (authExp < earliestMs) {
    const refused = `authorize returned expiresAt ${result.expiresAt.toISOString()}. JWT \`exp\` is in seconds: return new Date(exp * 1000).`
    log({ level: 'ERROR', message: refused, facts: {} })
    return { principal: null, refused }
  }
  return {
    ...{ principal: result.principal, claims: JSON.stringify(result.claims ?? null), authExp },
    ...issuedOf(result),
  }
}

/** Names what is wrong with a result that is no identity, without its values: they may be secrets. */
function describeResult(result: unknown): string {
  if (result === undefined) return 'undefined. Return the result: a `{` after `=>` needs a return.'
  if (typeof result !== 'object' || result === null) return describeValue(result)
  const { principal, expiresAt } = result as Partial<Record<keyof Identity<Json>, unknown>>
  const kindOf = (value: unknown) =>
    value instanceof Date ? 'an invalid Date' : value === null ? 'null' : typeof value
  if (typeof principal !== 'string') return `an object whose principal is ${kindOf(principal)}.`
  return principal === '' ? 'an empty principal.' : `an object whose expiresAt is ${kindOf(expiresAt)}.`
}

/** When the token was issued, if `authorize` says so. Throws a `TypeError` for another value than a valid date. */
function issuedOf({ issuedAt }: Identity<Json>): Pick<ConnectionCaller, 'issuedAt'> {
  if (issuedAt === undefined) return {}
  const ms = issuedAt?.getTime?.()
  if (Number.isFinite(ms)) return { issuedAt: ms }
  throw new TypeError(
    withDocs(
      'identities',
      `Expected issuedAt of authorize's result to be a valid Date, got ${describeValue(issuedAt)} Leave it out if the token does not say it.`,
    ),
  )
}

/** The header with the subprotocol that the server selects. It is never the token [TL-HS-2]. */
export function selectedSubprotocol(caller: ConnectionCaller): Readonly<Record<string, string>> {
  return caller.extensions ? { 'Sec-WebSocket-Protocol': SUBPROTOCOL } : {}
}

function toConnectRequest(event: Handshake): ConnectRequest {
  const headers: Record<string, string | undefined> = Object.create(null)
  for (const [name, value] of Object.entries(event.headers ?? {})) headers[name.toLowerCase()] = value
  const query: Record<string, string | undefined> = Object.assign(Object.create(null), event.queryStringParameters)
  return {
    token: parseOffer(headers['sec-websocket-protocol'])?.token,
    headers,
    subprotocols: toSubprotocols(headers['sec-websocket-protocol']),
    query,
    cookies: parseCookies(headers['cookie']),
    origin: headers['origin'],
    sourceIp: event.requestContext.identity?.sourceIp ?? '',
    announcesParams: query['connectionParams'] === '1',
  }
}

function toSubprotocols(header: string | undefined): readonly string[] {
  const entries = (header ?? '').split(',').map((entry) => entry.trim())
  return entries.filter((entry) => entry !== '' && !/^(token|session)\./.test(entry))
}

/** The cookies of a `Cookie` header, by name. */
export function parseCookies(header: string | undefined): Readonly<Record<string, string | undefined>> {
  const cookies: Record<string, string> = Object.create(null)
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=')
    if (at > 0) cookies[pair.slice(0, at).trim()] ??= unescapeCookie(pair.slice(at + 1).trim())
  }
  return cookies
}

function unescapeCookie(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value // it is not escaped
  }
}
