import { QueryClient } from '@tanstack/react-query'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { createClient, createConnection } from '@trunkline/client'
import { overHttp } from '@trunkline/client/http'
import type { AppRouter } from '../server/router.ts'
import { CuttableSocket, cuttableFetch } from './cut.ts'
import { fetchToken } from './issuer.ts'
import { hasHttp, httpAddress, lineAddress } from './line-address.ts'

/**
 * The page's only connection. All calls and subscriptions share its socket, or requests over HTTP where a proxy lets no
 * socket pass.
 */
export const connection = createConnection({
  url: lineAddress,
  token: fetchToken,
  WebSocket: CuttableSocket, // the page has a button that cuts it, and the requests
  ...((await hasHttp()) && { fallback: overHttp(httpAddress, { fetch: cuttableFetch }) }),
})

/** The connection has its own outbox and detects when it is offline, so TanStack Query must not delay requests. */
export const queryClient = new QueryClient({
  defaultOptions: { queries: { networkMode: 'always', retry: false }, mutations: { networkMode: 'always' } },
})

export const client = createClient<AppRouter>({ connection })
export const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient })
