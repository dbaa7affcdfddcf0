import { connect, deliverJob, handshake, httpCall, plainCall, streamed, subscribe } from './events.ts'

/** One function and its first event. */
export interface Contestant {
  readonly name: string
  /** The name of the bundled file in `src/application`. */
  readonly entry: string
  readonly handler: string
  readonly what: string
  /** Bundles without `splitting`, to measure the cost of one file. */
  readonly oneFile?: boolean
  readonly event: unknown
  /** Leaves out the function's name, so that `preload` loads nothing and the first event loads the table's client. */
  readonly named?: false
}

const bare: Contestant = {
  name: 'bare handler (control)',
  entry: 'bare',
  handler: 'handler',
  what: 'anything',
  event: {},
}

const line = (handler: string, what: string, event: unknown): Contestant => ({
  name: `Trunkline, ${handler}`,
  entry: 'trunkline',
  handler,
  what,
  event,
})

/** Trunkline's functions, a bare handler, and the same procedures on tRPC's own adapter. */
export const contestants: readonly Contestant[] = [
  bare,
  { name: 'tRPC’s Lambda adapter, same router', entry: 'trpc', handler: 'handler', what: 'a call', event: httpCall },
  {
    name: 'tRPC’s Lambda adapter, without a line',
    entry: 'plain-trpc',
    handler: 'handler',
    what: 'a call',
    event: httpCall,
  },
  line('authorizer', 'a handshake', handshake),
  line('websocket', 'a call', plainCall),
  line('websocket', '`$connect`: 1 write', connect),
  line('websocket', 'a subscribe: 3 writes, 2 reads', subscribe),
  line('tableStream', 'a record: 1 read', streamed),
  line('deliver', 'a shard: 1 read', deliverJob),
  {
    ...line('tableStream', 'a record: 1 read', streamed),
    name: 'Trunkline without preload, tableStream',
    named: false,
  },
  { ...line('deliver', 'a shard: 1 read', deliverJob), name: 'Trunkline without preload, deliver', named: false },
  { ...line('websocket', 'a call', plainCall), name: 'Trunkline as one file, websocket', oneFile: true },
  {
    ...line('websocket', 'a call', plainCall),
    name: 'Trunkline with Powertools, websocket',
    entry: 'trunkline-powertools',
  },
]
