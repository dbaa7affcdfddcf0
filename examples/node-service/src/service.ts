import { createClient, createConnection } from '@trunkline/client'
import { WebSocket } from 'ws'
import { openCursorFile } from './cursor-file.ts'
import { followOrders } from './follow-orders.ts'
import type { AppRouter } from './router.ts'

// The service: LINE_URL=ws://localhost:4400/dev SHOP=bakery CURSOR=orders.cursor node dist/service.js
const { LINE_URL: url = 'ws://localhost:4400/dev', SHOP: shop = 'bakery', CURSOR: file = 'orders.cursor' } = process.env
const connection = createConnection({ url, WebSocket }) // Node 22 has a WebSocket of its own
const stop = followOrders({
  client: createClient<AppRouter>({ connection }),
  shop,
  cursor: openCursorFile(file),
  log: (text) => console.log(text),
})
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await stop()
    await connection.close()
  })
