import { QueryClient } from '@tanstack/react-query'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import type { AppRouter } from '../server/router.ts'
import { client } from './line.ts'

/** The connection sends mutations again by itself and waits for a lost network, so TanStack Query must not. */
export const queryClient = new QueryClient({
  defaultOptions: { queries: { networkMode: 'always', retry: false }, mutations: { networkMode: 'always' } },
})

export const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient })
