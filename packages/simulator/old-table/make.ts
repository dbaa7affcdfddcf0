import { writeFileSync } from 'node:fs'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb'
import { openTable } from '../../server/src/dynamodb/endpoint.suite.ts'
import { createDynamoStore } from '../../server/src/dynamodb/index.ts'
import { sealGlobals } from '../src/kernel/globals.ts'
import { createVirtualTimers } from '../src/kernel/virtual-timers.ts'
import { hereOf, stage, topicOf } from '../src/records/application.ts'
import { createWorld } from '../src/world/world.ts'

/**
 * Makes `table-of-3e24d08.json`: every row of a table that the code at commit 3e24d08 filled.
 * It compiles only against the simulator of that commit. `README.md` of this folder says how it was run.
 *
 * The virtual day runs on the reference store. Each write is recorded and repeated, in order, through the DynamoDB
 * adapter of that commit against an in-process table, which is then scanned: the items are those of a deployed table.
 */
const [, , file = 'table-of-3e24d08.json'] = process.argv

type Write = readonly [operation: string, args: readonly unknown[]]

const world = createWorld({ seed: 9, allowed: [], workerMs: 60_000 })
const { kernel, gateway, table, history } = world
const writes: Write[] = []
const operations = table.operations as unknown as Record<string, (...args: readonly unknown[]) => unknown>
for (const [name, operation] of Object.entries(operations)) {
  if (name.startsWith('read') || name === 'hasReceipts') continue
  operations[name] = (...args) => {
    writes.push([name, structuredClone(args)])
    return operation(...args)
  }
}

/** A client of this file's own, which declares `trunkline.1` and only sends what it is given. */
function connectRaw(device: string) {
  return gateway.connect(device, ['trunkline.1', 'session.rawrawrawrawrawrawraw'], {
    opened() {},
    message() {},
    lost() {},
  })
}

async function fill() {
  const p1 = world.addDevice({ principal: 'p1' })
  const anonymous = world.addDevice()
  const stock = world.addDevice({ stock: true })
  const members = [world.addDevice({ principal: 'p2' }), world.addDevice({ principal: 'p1' })]
  const watcher = world.addDevice()
  const leaver = world.addDevice()
  const listener = world.addDevice()
  const raw = connectRaw('raw')

  p1.subscribe('live', 'a')
  p1.subscribe('thirds', 'a')
  p1.subscribe('snapshot', 'b')
  await kernel.run(2_000)
  table.operations.growShards(topicOf('b'), 1, 2)
  anonymous.subscribe('replayed', 'b')
  anonymous.subscribe('live', 'a')
  stock.subscribe('live', 'a')
  stock.subscribe('thirds', 'b')
  for (const member of members) member.attend('joined', 'a')
  watcher.attend('watched', 'a')
  const left = leaver.subscribe('live', 'b')
  leaver.attend('joined', 'b')
  listener.listen('ticks', { name: 'old', everyMs: 2_000, last: 1_000, throws: false, heeds: true })
  raw.send(JSON.stringify({ id: 1, method: 'hello' }))
  await kernel.run(2_000)
  // a filter needs the input, and validation strips most of it
  const input = { room: 'a', pad: 'x'.repeat(5_000) }
  raw.send(JSON.stringify({ id: 2, method: 'subscription', params: { path: 'thirds', input, ref: 1 } }))
  await kernel.run(2_000)
  leaver.stop(left)
  members[0]?.mark('a', world.nextN())

  for (const path of ['post', 'bill', 'refuse', 'spread'] as const)
    p1.call(path, 'a', world.nextN(), { key: `old-${path}` })
  p1.call('post', 'a', world.nextN())
  anonymous.call('bill', 'b', world.nextN(), { key: 'old-anonymous' })
  await kernel.run(5_000)
  for (let count = 0; count < 34; count++) {
    world.publish('b', count % 8 === 0 ? { key: `old-script-${count}` } : {})
    if (count % 4 === 0) world.publish('a')
    await kernel.run(700)
  }
  for (let count = 0; count < 4; count++) world.addDevice().subscribe('live', 'b') // some of them in the second shard
  leaver.close()
  await kernel.run(20_000)

  // half of a message in two chunks
  const frame = {
    id: 3,
    method: 'mutation',
    params: { path: 'post', input: { room: 'b', n: 900_001, pad: 'x'.repeat(9_000) } },
  }
  const text = JSON.stringify({ ...frame, params: { ...frame.params, key: 'own.old-chunks' } })
  const chunk = (part: number) => {
    const half = [text.slice(0, 40), text.slice(40)][part]
    const params = { message: 'old-message', part, of: 2, bytes: text.length, text: half }
    return JSON.stringify({ id: 3, method: 'chunk', params })
  }
  raw.send(chunk(0))
  await kernel.run(5_000)

  // and a mutation that has its claim, and has had its effect, when every function of this version dies
  p1.call('bill', 'a', world.nextN(), { key: 'old-lost' })
  const charges = history.charges.size
  for (let step = 0; history.charges.size === charges; step++) {
    if (step > 5_000) throw new Error('The last call had no effect.')
    await kernel.run(0.5)
  }
  return { rest: chunk(1) }
}

const unseal = sealGlobals(createVirtualTimers(kernel))
const { rest } = await fill()
unseal()
stage.current = undefined
if (world.report.violations.length > 0) throw new Error(JSON.stringify(world.report.violations))

const place = await openTable()
const store = createDynamoStore(place.options) as unknown as Record<string, (...args: readonly unknown[]) => unknown>
for (const [name, args] of writes) await store[name]?.(...args)
const { table: TableName, ...access } = place.options
const client = DynamoDBDocumentClient.from(new DynamoDBClient(access))
const { Items = [], LastEvaluatedKey } = await client.send(new ScanCommand({ TableName }))
if (LastEvaluatedKey !== undefined) throw new Error('The table is larger than one page.')
client.destroy()
await place.end()

interface OpenConnection {
  readonly connectionId: string
  readonly device: string
  readonly isStock: boolean
  readonly state: string
  readonly connectedAt: number
  readonly authorityEnds: number
  readonly authorizer: unknown
  readonly wants: ReadonlyMap<string, number>
}
const connections = [...gateway.connections.values()] as unknown as readonly OpenConnection[]
const nameOf = (item: Record<string, unknown>) => `${item['pk']} ${item['sk']}`
const dump = {
  commit: '3e24d08',
  now: Math.ceil(kernel.now),
  rest,
  topics: [topicOf('a'), topicOf('b'), hereOf('a'), hereOf('b')],
  connections: connections
    .filter(({ state }) => state === 'open')
    .map(({ connectionId, device, isStock, connectedAt, authorityEnds, authorizer, wants }) => ({
      ...{ connectionId, device, isStock, connectedAt, authorizer, wants: Object.fromEntries(wants) },
      ...(authorityEnds === Number.POSITIVE_INFINITY ? {} : { authorityEnds }),
    })),
  calls: history.calls.filter(({ key }) => key !== 'auto'),
  charges: Object.fromEntries(history.charges),
  subscriptions: history.subscriptions.map(({ device, path, room, ended, entries }) => {
    const at = entries.findLast((each) => each.kind === 'data')
    return { device, path, room, ended, ...(at !== undefined && 'id' in at ? { at: at.id } : {}) }
  }),
  items: Items.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
}
const { items, ...about } = dump
const lines = items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')
writeFileSync(file, `${JSON.stringify(about, undefined, 2).slice(0, -2)},\n  "items": [\n${lines}\n  ]\n}\n`)
console.log(`${items.length} items, ${connections.length} connections`)
