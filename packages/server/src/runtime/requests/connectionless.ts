import { flawText } from '@trunkline/protocol'
import type { ConnectionCaller } from '../context/caller.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { type ParsedElement, type Request, requestInfoOf } from './parse-request.ts'

/** The frames that need no connection. */
const free: ReadonlySet<Request['method']> = new Set(['query', 'mutation', 'ping'])

/**
 * The session of a request without a connection that names none. It has a character that no session has, so no client
 * can offer it. [TL-HS-7]
 */
export function unnamedSession(connectionId: string): string {
  return `${connectionId}=`
}

/**
 * Refuses a frame that needs a connection, in a request that has none. A key of an anonymous caller belongs to its
 * session, so it needs one.
 */
// [TL-HTTP-5]
export function checkConnectionless(caller: ConnectionCaller, parsed: ParsedElement): ParsedElement {
  if (parsed.status === 'malformed') return parsed
  const flaw = flawOf(caller, parsed.request)
  if (flaw === undefined) return parsed
  return { status: 'malformed', asked: requestInfoOf(parsed.request), thrown: new TrunklineError('MALFORMED', flaw) }
}

function flawOf({ principal, session, connectionId }: ConnectionCaller, request: Request): string | undefined {
  if (!free.has(request.method))
    return `${flawText('queries and mutations in a request without Trunkline-Connection', request.method)} Open a connection by hello first.`
  const isUnnamed = principal === null && session === unnamedSession(connectionId)
  if (request.method !== 'mutation' || request.key === undefined || !isUnnamed) return undefined
  return `${flawText('a Trunkline-Session for the key of an anonymous caller', 'none')} Send a session of 16 to 64 random characters, or a token.`
}
