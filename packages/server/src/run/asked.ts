import type { Request } from './parse.ts'
import type { Asked } from './reply.ts'

/** What a request asked, for the answer that says why it failed. */
export function askedOf(request: Request): Asked {
  const isCall = request.method === 'query' || request.method === 'mutation' || request.method === 'subscription'
  return {
    id: 'id' in request ? request.id : null,
    type: isCall ? request.method : 'unknown',
    ...('path' in request ? { path: request.path, input: request.input } : {}),
    ...('traceparent' in request ? { traceparent: request.traceparent } : {}),
    ...('jsonrpc' in request && request.jsonrpc !== undefined ? { jsonrpc: request.jsonrpc } : {}),
    cause: 'frame',
  }
}
