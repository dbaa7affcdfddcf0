import { createClient, createConnection } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { lineAddress } from './line-address.ts'

/** The page's only connection. */
export const connection = createConnection({ url: lineAddress })

export const client = createClient<AppRouter>({ connection })
