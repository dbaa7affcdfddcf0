import { createClient, createConnection } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { lineAddress } from './line-address.ts'

/** The name with which the page connects. It is kept in this browser. */
export const savedName = {
  get: (): string | null => localStorage.getItem('name'),
  set: (name: string): void => localStorage.setItem('name', name),
  forget: (): void => localStorage.removeItem('name'),
}

/** The page’s only connection: all calls and subscriptions share it. It opens with the first of them. */
export const connection = createConnection({ url: lineAddress, token: savedName.get })

export const client = createClient<AppRouter>({ connection })
