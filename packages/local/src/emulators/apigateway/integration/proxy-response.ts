/** The response of a function behind a proxy integration. */
export interface ProxyResponse {
  readonly statusCode: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string | undefined
}

const allowedKeys = ['statusCode', 'headers', 'multiValueHeaders', 'body', 'isBase64Encoded']

/**
 * Parses a function's result as strictly as the gateway does. Returns undefined for an unknown key, a missing status or
 * a body that is not a string, on one-way routes as well. Header names become lower case.
 */
export function parseProxyResponse(payload: unknown): ProxyResponse | undefined {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return undefined
  const fields = new Map<string, unknown>(Object.entries(payload))
  if ([...fields.keys()].some((key) => !allowedKeys.includes(key))) return undefined
  const statusCode = fields.get('statusCode')
  if (typeof statusCode !== 'number' || !Number.isInteger(statusCode)) return undefined
  if (statusCode < 200 || statusCode > 599) return undefined
  const body = fields.get('body') ?? undefined
  if (body !== undefined && typeof body !== 'string') return undefined
  return { statusCode, headers: parseHeaders(fields.get('headers')), body }
}

function parseHeaders(headers: unknown): ReadonlyMap<string, string> {
  if (typeof headers !== 'object' || headers === null) return new Map()
  const entries = Object.entries(headers).filter(([, value]) => typeof value !== 'object')
  return new Map(entries.map(([name, value]) => [name.toLowerCase(), String(value)]))
}
