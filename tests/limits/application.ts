import { initTRPC } from '@trpc/server'
import { defined } from '@trunkline/protocol'
import { anonymous, type ConnectRequest, createLine, deny, type LineMeta, type TopicCaller } from '@trunkline/server'
import type { Backend } from '@trunkline/server/ports'
import * as z from 'zod'

const key = z.object({ room: z.string() })
const said = key.extend({ text: z.string() })
/** The number of batches of a stream, and whether it is stopped after them. */
const ofRun = { batches: z.number().optional(), stops: z.boolean().optional() }
const named = z.object({ principal: z.string() })
const kicked = named.or(z.object({ connection: z.string() }))
const hour = 3_600_000
/** Between two batches of a stream whose input names their number. */
export const batchPauseMs = 500

/** `ann-moved` may not get the topics of the channels that ask. */
const authorize = (_: unknown, { claims }: TopicCaller<{ readonly role: string }>) =>
  claims?.role !== 'moderator' || 'This room is for members.'

/** How many partitions a topic of the channel `parts` has in the first version of the application. */
export const partitions = 4

/** A line and a router with a procedure of each kind that a frame can name. `count`: the partitions of its version. */
export function createApplication(backend: Backend & Required<Pick<Backend, 'clock'>>, count = partitions) {
  const line = createLine<{ readonly role: string }>({ backend })
  const events = line.channel('room', { key, event: z.object({ text: z.string() }) })
  const schemas = { key, event: z.object({ text: z.string() }) }
  const guarded = line.channel('guarded', { ...schemas, authorize })
  const rechecked = line.channel('rechecked', { ...schemas, authorize, recheck: 'delivery' })
  const parts = line.channel('parts', { ...schemas, partitions: count, partitionBy: ({ text }) => text })
  const typing = line.ephemeral('typing', { key, event: z.object({ text: z.string() }) })
  const here = line.presence('here', { key, data: z.object({ name: z.string().optional() }) })
  const answers = line.stream('answers', {
    key,
    input: z.object(ofRun),
    chunk: z.string(),
    async *produce({ input: { batches, stops }, key: topic }) {
      for (let n = 0; n < (batches ?? 0); n++) {
        yield 'a'
        await backend.clock.sleep(batchPauseMs)
      }
      if (stops) await answers.stop(topic)
      if (batches !== undefined) return
      yield 'a'
      yield 'b'
    },
  })
  const t = initTRPC.meta<LineMeta>().create()
  const p = t.procedure.meta({ anonymous: true })
  const router = t.router({
    whoami: p.query(() => 'you'),
    seldom: p.meta({ rate: '1/h' }).query(() => 'once'),
    paySeldom: p.meta({ rate: '1/h' }).mutation(() => 'paid'),
    slow: p.meta({ longRunning: true }).query(() => 'late'),
    pay: p.mutation(() => 'paid'),
    post: p.input(said).mutation(async ({ input: { text, ...room } }) => (await events.publish(room, { text })).id),
    retype: p.input(said).mutation(({ input: { text, ...room } }) => typing.publish(room, { text })),
    update: p.input(said).mutation(({ input: { text, ...room } }) => here.update(room, { name: text })),
    retell: p.input(said).mutation(({ input: { text, ...room } }) => rechecked.publish(room, { text })),
    ask: p
      .input(said.extend(ofRun))
      .mutation(({ input: { text, batches, stops } }) => answers.start({ room: text }, defined({ batches, stops }))),
    kick: p.input(kicked).mutation(({ input }) => line.kick({ ...input, reason: 'spam' })),
    revoke: p
      .input(named)
      .mutation(({ input: { principal } }) => line.revoke(principal, { issuedBefore: new Date(backend.clock.now()) })),
    end: p.input(said).mutation(({ input: { text } }) => answers.stop({ room: text })),
    answer: p.input(said).subscription(({ input: { text } }) => answers.subscribe({ room: text })),
    guarded: p.input(key).subscription(({ input }) => guarded.subscribe(input)),
    rechecked: p.input(key).subscription(({ input }) => rechecked.subscribe(input)),
    live: p.input(key).subscription(({ input }) => events.subscribe(input)),
    postPart: p.input(said).mutation(async ({ input: { text, ...room } }) => (await parts.publish(room, { text })).id),
    parts: p.input(key).subscription(({ input }) => parts.subscribe(input)),
    loud: p.input(key).subscription(({ input }) => events.subscribe(input).filter(({ text }) => text !== '')),
    onTyping: p.input(key).subscription(({ input }) => typing.subscribe(input)),
    joinAs: p.input(said).subscription(({ input: { text, ...room } }) => here.join(room, { member: text, data: {} })),
    join: p.input(key).subscription(({ input }) => here.join(input, { member: 'ann', data: {} })),
    watch: p.input(key).subscription(({ input }) => here.watch(input)),
    ticks: p.input(key).subscription(async function* () {
      yield 1
      yield 2
    }),
  })
  return { line, router, events, parts, answers }
}

/** `ann` has a principal, `ann-moved` the same principal with other claims; a caller without a token is anonymous. */
export function createAuthorize(now: () => number) {
  return ({ connectionParams, token = connectionParams?.['token'] }: ConnectRequest) => {
    if (token === undefined) return anonymous
    if (token === 'denied') return deny('Your trial has ended.')
    const role = token.startsWith('ann-moved') ? 'moderator' : 'member'
    return { principal: 'ann', claims: { role }, expiresAt: new Date(now() + hour) }
  }
}
