// One process that talks to two lines and owns a third channel.
import { createClient, createConnection } from '@trunkline/client'
import { createLine } from '@trunkline/server'
import * as z from 'zod'
import type { AppRouter as Chat } from './chat/router.ts'
import type { AppRouter as Simple } from './readme/router.ts'

export const chat = createLine({ envPrefix: 'CHAT_LINE' })
export const billing = createLine({ envPrefix: 'BILLING_LINE' })
export const invoices = billing.channel('invoices', {
  key: z.object({ org: z.string() }),
  event: z.object({ total: z.number() }),
  retention: '30d',
})
const a = createClient<Chat>({ connection: createConnection({ url: 'wss://a' }) })
const b = createClient<Simple>({ connection: createConnection({ url: 'wss://b' }) })
export const both = () => Promise.all([a.messages.older.query({ room: 'x' }), b.post.mutate({ room: 'x', text: 'y' })])
