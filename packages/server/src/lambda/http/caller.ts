import { parseOffer, SUBPROTOCOL } from '@trunkline/protocol'
import type { ConnectRequest } from '../../define/identity.ts'
import { refuseRestricted } from '../../runtime/connections/http-connection.ts'
import type { ConnectionCaller } from '../../runtime/context/caller.ts'
import { withinDeadline } from '../../runtime/context/deadline.ts'
import type { InvocationContext } from '../../runtime/context/runtime-context.ts'
import { unnamedSession } from '../../runtime/requests/connectionless.ts'
import {
  type AdmissionOptions,
  type CallerIdentity,
  identityOf,
  parseCookies,
  recordDenied,
} from '../authorize/admission.ts'
import type { HttpRequest } from './http-event.ts'

/** A request whose origin was checked. `mayUseCookies` is what its origin allows. */
export interface AdmittedRequest {
  readonly request: HttpRequest
  readonly mayUseCookies: boolean
}

/** What `authorize` says of the sender of a request, within the deadline. Throws what it throws. */
export function identifySender(
  context: InvocationContext,
  admission: AdmissionOptions,
  { request, mayUseCookies }: AdmittedRequest,
): Promise<CallerIdentity> {
  const identity = identityOf(admission, toConnectRequest(request, mayUseCookies), context.telemetry)
  return withinDeadline(context.deadline, identity)
}

/** The caller of one request without a connection; refused if its principal may not be here. [TL-HTTP-5] */
export function callerOfRequest(
  context: InvocationContext,
  { id }: HttpRequest,
  { identity, session }: { readonly identity: CallerIdentity; readonly session: string | undefined },
): Promise<ConnectionCaller> {
  const connectionId = `http-${id}`
  return refuseRestricted(context, {
    ...{ ...identity, extensions: true, expectsParams: false, namesSessions: true },
    ...{ connectionId, session: session ?? unnamedSession(connectionId), via: 'request' },
  })
}

/** The session in `Trunkline-Session`; undefined without one, null for a text that is none. [TL-HS-7] */
export function sessionOf({ headers }: HttpRequest): string | null | undefined {
  const header = headers['trunkline-session']
  if (header === undefined) return undefined
  return (header.includes(',') ? undefined : parseOffer(`${SUBPROTOCOL}, session.${header}`)?.session) ?? null
}

/** The message for such a text. */
export const sessionFlaw = 'Expected a Trunkline-Session of 16 to 64 characters of 0-9 A-Z a-z _ -, got another text.'

/** Audits and counts a request whose caller was refused. */
export function recordRefused({ telemetry }: InvocationContext, caller: ConnectionCaller): void {
  recordDenied({ status: 'admitted', caller }, caller, telemetry)
}

/** What `authorize` gets of an HTTP request. Cookies that do not count are absent, and so is the session, a secret. */
function toConnectRequest(request: HttpRequest, mayUseCookies: boolean): ConnectRequest {
  const { cookie: _, 'trunkline-session': __, ...headers } = request.headers
  const cookies = mayUseCookies ? request.cookies : undefined
  return {
    token: /^Bearer +(\S+) *$/i.exec(headers['authorization'] ?? '')?.[1],
    headers: cookies === undefined ? headers : { ...headers, cookie: cookies },
    subprotocols: [],
    query: Object.assign(Object.create(null), Object.fromEntries(request.query)),
    cookies: parseCookies(cookies),
    origin: headers['origin'],
    sourceIp: request.sourceIp,
  }
}
