import { createLine } from '@trunkline/server'
import * as z from 'zod'

export const line = createLine()

const shop = z.object({ shop: z.string().min(1).max(64) })

/** The orders of a shop. A service that was down for less than a week misses none. */
export const orders = line.channel('orders', {
  key: shop,
  event: z.object({ number: z.int().positive(), item: z.string().min(1).max(100) }),
  retention: '7d',
})

/** What the service did: one receipt for each order. */
export const receipts = line.channel('receipts', {
  key: shop,
  event: z.object({ number: z.int().positive(), text: z.string() }),
  retention: '7d',
})
