import { QueryClient } from '@tanstack/react-query'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { createClient, createConnection, type Gap } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { currentName } from './identity.ts'
import { lineAddress } from './line-address.ts'

const gapListeners = new Set<(gap: Gap) => void>()

/** Calls `listener` when a subscription lost events for good. Returns the way to stop. */
export function onGap(listener: (gap: Gap) => void): () => void {
  gapListeners.add(listener)
  return () => void gapListeners.delete(listener)
}

/** The page's one connection: every call and every subscription of it shares this socket. */
export const connection = createConnection({
  url: lineAddress,
  token: currentName,
  onGap: (gap) => {
    for (const listener of gapListeners) listener(gap)
  },
})

/** The line has its own outbox and knows when it is offline, so TanStack must not hold anything back. */
export const queryClient = new QueryClient({
  defaultOptions: { queries: { networkMode: 'always', retry: false }, mutations: { networkMode: 'always' } },
})

export const client = createClient<AppRouter>({ connection })
export const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient })
