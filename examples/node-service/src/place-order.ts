import { orders } from './line.ts'

// A script that publishes with AWS credentials alone, without a socket. It names the line by its environment:
// node --env-file=.trunkline/local.env dist/place-order.js 7 "Rye bread"
const [number = '', item = 'Rye bread', shop = 'bakery'] = process.argv.slice(2)
await orders.publish({ shop }, { number: Number(number), item }, { idempotencyKey: `order-${number}` })
