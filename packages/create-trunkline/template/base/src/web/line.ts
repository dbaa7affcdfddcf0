import { createClient, createConnection } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { lineAddress } from './line-address.ts'

/** The page’s only connection: all calls and subscriptions share it. It opens with the first of them. */
export const connection = createConnection({ url: lineAddress })

export const client = createClient<AppRouter>({ connection })
