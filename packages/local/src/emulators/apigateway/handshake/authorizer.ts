import { type ConnectionInfo, type EventInfo, toRequestContext } from '../integration/events.ts'
import { type EventFields, findHeader } from '../integration/headers.ts'
import type { IntegrationResult } from '../integration/invoke.ts'
import { isAllowed } from './policy.ts'

/** The decision of a REQUEST authorizer: a context for all later events, or the status of the rejected handshake. */
export type Authorization =
  | { readonly status: 'allowed'; readonly context: Readonly<Record<string, string>> }
  | { readonly status: 'rejected'; readonly code: 401 | 403 | 500 }

const resultBytes = 8_192 // the fixed quota for an authorizer's whole result

/**
 * Whether every identity source is present and not empty. If not, the handshake is rejected with 401 and the authorizer
 * does not run.
 */
export function hasIdentity(
  identitySource: readonly string[],
  request: { readonly headers: EventFields; readonly query: EventFields | undefined },
): boolean {
  return identitySource.every((source) => {
    const [, kind, name = ''] = /^route\.request\.(header|querystring)\.(.+)$/.exec(source) ?? []
    if (kind === 'header') return Boolean(findHeader(request.headers, name))
    if (kind === 'querystring') return Boolean(request.query?.single[name])
    return source.startsWith('context.') // this gateway has no stage variables
  })
}

/**
 * The authorizer's event. Unlike the event of `$connect`, its headers include `Connection`, `Upgrade` and
 * `content-length`, and it has `stageVariables`.
 */
export function toAuthorizerEvent(
  info: ConnectionInfo,
  eventInfo: EventInfo,
  request: { readonly headers: EventFields; readonly query: EventFields | undefined; readonly methodArn: string },
) {
  return {
    type: 'REQUEST',
    methodArn: request.methodArn,
    headers: request.headers.single,
    multiValueHeaders: request.headers.multi,
    ...(request.query && {
      queryStringParameters: request.query.single,
      multiValueQueryStringParameters: request.query.multi,
    }),
    stageVariables: {},
    requestContext: toRequestContext(info, eventInfo, { eventType: 'CONNECT' }),
  }
}

/**
 * Evaluates an authorizer's result: 401 for the error `Unauthorized`, 403 for a policy that does not allow `methodArn`,
 * 500 for any invalid result.
 */
export function readAuthorizerResult(result: IntegrationResult, methodArn: string): Authorization {
  if (result.status === 'error' && result.errorMessage === 'Unauthorized') return { status: 'rejected', code: 401 }
  const answer = result.status === 'ok' ? parseResult(result.payload) : undefined
  const allowed = answer && isAllowed(answer.policyDocument, methodArn)
  if (answer === undefined || allowed === undefined) return { status: 'rejected', code: 500 }
  return allowed ? { status: 'allowed', context: answer.context } : { status: 'rejected', code: 403 }
}

function parseResult(payload: unknown) {
  if (typeof payload !== 'object' || payload === null) return undefined
  const fields = new Map<string, unknown>(Object.entries(payload))
  const principalId = fields.get('principalId')
  const context = parseContext(fields.get('context'))
  if (typeof principalId !== 'string' || context === undefined) return undefined
  if (Buffer.byteLength(JSON.stringify(payload)) > resultBytes) return undefined
  return { policyDocument: fields.get('policyDocument'), context: { ...context, principalId } }
}

/** Numbers and booleans become strings. An object or an array makes the whole result invalid. */
function parseContext(context: unknown): Readonly<Record<string, string>> | undefined {
  if (context === undefined || context === null) return {}
  if (typeof context !== 'object' || Array.isArray(context)) return undefined
  const entries = Object.entries(context)
  if (entries.some(([, value]) => !['string', 'number', 'boolean'].includes(typeof value))) return undefined
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}
