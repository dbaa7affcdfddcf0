import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import * as z from 'zod'
import { startLocalLine } from '../line/start-local-line.ts'

// Run by `npm run memory`: measures the memory of a local line in memory while it is used.

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '60' },
    calls: { type: 'boolean', default: false },
  },
})
const rate = toNumber('--rate', values.rate)
const lengthMs = toNumber('--minutes', values.minutes) * 60_000
const printMs = 15_000
const most = Math.ceil((rate * lengthMs) / 1_000)

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const line = createLine()
const key = z.object({ room: z.string() })
const messages = line.channel('memory', { key, event: z.object({ text: z.string() }) })
const t = initTRPC.create()
const router = t.router({
  hello: t.procedure.query(() => 'hello'),
  live: t.procedure.input(key).subscription(({ input }) => messages.subscribe(input)),
  post: t.procedure
    .input(key.extend({ text: z.string() }))
    .mutation(({ input: { room, text } }) => messages.publish({ room }, { text })),
})

const local = await startLocalLine({ router, line })
let seen = 0
const onData = () => {
  seen += 1
}
for (let n = 0; n < 10; n++)
  await new Promise<void>((resolve, reject) => {
    const handlers = { onStarted: () => resolve(), onData, onError: reject }
    local.connect().client.live.subscribe({ room: 'x' }, handlers)
  })
const { client } = local.connect()
const act = () => (values.calls ? client.hello.query() : client.post.mutate({ room: 'x', text: 'x'.repeat(110) }))
await act()

const before = measure()
const startedAt = Date.now()
let printedAt = startedAt
let done = 0
let failed = 0
print(before)
while (done < most) {
  const due = Math.min(most, Math.floor(((Date.now() - startedAt) * rate) / 1_000))
  // At a rate above the machine's capacity, it sends as many as it can.
  const acts = await Promise.allSettled(Array.from({ length: Math.min(10, Math.max(0, due - done)) }, act))
  done += acts.length
  failed += acts.filter(({ status }) => status === 'rejected').length
  if (Date.now() - printedAt >= printMs) {
    printedAt = Date.now()
    print(measure())
  }
  if (done >= due) await new Promise((resolve) => setTimeout(resolve, 1_000 / rate))
}
const end = measure()
print(end)
const perOne = (member: 'heap' | 'buffers' | 'resident') => Math.round((end[member] - before[member]) / done)
console.log(
  `each of ${done}: ${perOne('heap')} bytes of heap, ${perOne('buffers')} of buffers, ${perOne('resident')} resident; ${failed} failed`,
)
await local.close()

function measure() {
  collect()
  const { heapUsed: heap, arrayBuffers: buffers, rss: resident } = process.memoryUsage()
  return { heap, buffers, resident }
}

function print({ heap, buffers, resident }: ReturnType<typeof measure>): void {
  const seconds = Math.round((Date.now() - startedAt) / 1_000)
  const of = (bytes: number) => `${(bytes / 1_048_576).toFixed(1)} MB`
  console.log(
    `${seconds} s, ${done} done, ${seen} received: heap ${of(heap)}, buffers ${of(buffers)}, resident ${of(resident)}`,
  )
}

function toNumber(option: string, text: string): number {
  const number = Number(text)
  if (number > 0 && Number.isFinite(number)) return number
  throw new Error(`Expected ${option} to be a number above 0, got ${text}.`)
}
