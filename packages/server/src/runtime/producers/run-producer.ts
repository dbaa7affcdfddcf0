import { setMaxListeners } from 'node:events'
import type { ChannelDefinition } from '../../define/definition.ts'
import type { Outcome } from '../../define/stream-rules.ts'
import { channelOfTopic } from '../../define/topic.ts'
import { randomName } from '../../ports/clock.ts'
import { StoreError } from '../../ports/store.ts'
import { holdRunPlace, renewRunPlace } from '../calls/run-place.ts'
import { narrowDeadline, untilAborted } from '../context/deadline.ts'
import type { InvocationContext } from '../context/runtime-context.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { codeOf, withoutSecrets } from '../encoding/error-response.ts'
import { closeIterator } from '../generators/run-generator.ts'
import { fingerprintOf } from '../log/fingerprint.ts'
import { fitting, serialiseAs } from '../log/validate-event.ts'
import { closeLost, pokeWorker, releasePlace, type StreamJob } from '../streams/settle.ts'
import { judge, lapseMs, type StreamState } from '../streams/state.ts'
import { evidenceOf, putStreamSlot, readHead, type StreamRef } from '../streams/stream-log.ts'
import { streamOf } from './start-stream.ts'
import { type Claim, chunkBytes, StreamWriter } from './stream-writer.ts'

/** A worker waits for a producer that has been silent for this long: it has died, or it soon gives a sign of life. */
const earlyMs = 20_000
/** Time that a worker reserves to hand a stream over to the next worker. */
const handOverMs = 12_000
/** The smallest share of a worker's time that it produces, so that a short worker does not only hand over. */
const minRunShare = 0.5
const renewPlaceMs = 5_000
const messageCharacters = 1_000

/**
 * Looks at a stream, as a worker: claims it if it waits for a worker or if its producer was lost, and produces it.
 * Does nothing otherwise. The job names only the stream, so it may come late, twice or never.
 */
// [LAW-STREAM]
export async function lookAtStream(context: InvocationContext, { topic }: StreamJob): Promise<void> {
  const channel = context.channelOf(channelOfTopic(topic))
  if (channel?.stream === undefined)
    throw new Error(`Expected a stream of this line, got the topic ${topic}. Deploy all functions with the same line.`)
  const ref = streamOf(channel, topic)
  const claim = await claimStream(context, ref)
  if (claim === undefined) return
  using writer = new StreamWriter(context, ref, { ...claim, schema: fingerprintOf(channel.event) })
  try {
    await produceInto(context, channel, { ref, claim, writer })
  } finally {
    await writer.delivered()
  }
}

/** Claims a stream. Undefined if somebody else produces it, or if it has ended. */
async function claimStream(context: InvocationContext, ref: StreamRef): Promise<Claim | undefined> {
  const { clock, deadline } = context
  const by = randomName(clock, 16) // of this invocation: a job that runs twice has two names
  for (let head = await readHead(context, ref.topic); !deadline.isPassed; ) {
    const evidence = await evidenceOf(context, ref.topic, head, earlyMs)
    const verdict = judge(evidence, ref.rules)
    if (verdict === 'leave') {
      const waitMs = evidence.lastSign + lapseMs + 1 - evidence.now
      if (head.state?.at !== 'running' || waitMs > lapseMs - earlyMs) return undefined
      await clock.sleep(waitMs, deadline.signal)
      head = await readHead(context, ref.topic)
      continue
    }
    const before = head.newest
    const slot = { write: { kind: 'claim', by }, publishId: by } as const
    const put = await (verdict === 'lost'
      ? closeLost(context, ref, { head, evidence })
      : putStreamSlot(context, ref, { head, evidence, slot }))
    if (put.status === 'put')
      return verdict === 'lost' || put.slot === undefined
        ? undefined
        : { by, head: put.head, slots: [...(before?.state === undefined ? [] : [before]), put.slot] }
    head = put.head
  }
  return undefined
}

/** One claim of a stream, and its writer. */
interface Producing {
  readonly ref: StreamRef
  readonly claim: Claim
  readonly writer: StreamWriter
}

/** How the iteration of `produce` ended. `over`: the claim no longer holds. */
type Ending = Outcome | 'out-of-time' | 'over'

async function produceInto(
  context: InvocationContext,
  channel: ChannelDefinition,
  producing: Producing,
): Promise<void> {
  const { ref, claim, writer } = producing
  const place = claim.head.state?.place
  const stopRenewing = keepPlace(context, place)
  try {
    const ending = await iterate(context, channel, producing)
    const isLost = ending === 'out-of-time' && ref.rules.onLost === 'close'
    if (ending === 'over') return await leave(context, writer, place)
    if (ending === 'out-of-time' && !isLost) {
      // A poke that fails throws, and the platform repeats this job.
      if (await writer.end('yield')) await pokeWorker(context, ref.topic)
      return
    }
    const outcome = ending === 'out-of-time' ? ({ type: 'lost' } as const) : ending
    if (await writer.end(outcome)) await releasePlace(context, place)
  } finally {
    stopRenewing()
  }
}

/**
 * Ends the work of a claim that no longer holds. Throws the error that ended it, so that the platform repeats the job;
 * not that of a table that does not exist.
 */
async function leave(context: InvocationContext, writer: StreamWriter, place: StreamState['place']): Promise<void> {
  if (writer.isClosed) await releasePlace(context, place)
  const thrown: unknown = writer.signal.reason
  if (!(thrown instanceof Error)) return
  if (!(thrown instanceof StoreError) || thrown.refused === undefined) throw thrown
  context.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'worker' })
}

async function iterate(
  context: InvocationContext,
  channel: ChannelDefinition,
  { ref, claim, writer }: Producing,
): Promise<Ending> {
  const { input, n } = claim.head.state as StreamState // a claim is a state
  const text = await context.store.readStreamInput(ref.topic, input)
  if (text === undefined) return { type: 'lost' }
  const [key, given] = JSON.parse(text) as [unknown, unknown] // `startStream` wrote it
  const remainingMs = context.deadline.at - context.clock.now()
  using time = narrowDeadline(
    context.clock,
    context.deadline,
    Math.max(remainingMs - handOverMs, remainingMs * minRunShare),
  )
  const signal = AbortSignal.any([writer.signal, time.signal])
  setMaxListeners(0, signal) // `produce` may add any number of listeners
  try {
    const chunks = ref.rules.produce({ key, input: given, produced: n, signal })
    await writeChunks(context, { channel, writer, signal }, chunks[Symbol.asyncIterator]())
    return writer.signal.aborted ? 'over' : { type: 'done' }
  } catch (thrown) {
    if (writer.signal.aborted) return 'over'
    return signal.aborted ? 'out-of-time' : failure(context, thrown)
  }
}

interface Writing {
  readonly channel: ChannelDefinition
  readonly writer: StreamWriter
  readonly signal: AbortSignal
}

async function writeChunks(
  context: InvocationContext,
  writing: Writing,
  iterator: AsyncIterator<unknown>,
): Promise<void> {
  const progress = { isOver: false }
  try {
    while (!progress.isOver) await writeChunk(writing, iterator, progress)
  } finally {
    if (!progress.isOver) await closeIterator(context.clock, iterator)
  }
}

async function writeChunk(
  { channel, writer, signal }: Writing,
  iterator: AsyncIterator<unknown>,
  progress: { isOver: boolean },
): Promise<void> {
  const next = await untilAborted(signal, iterator.next()).catch((thrown: unknown) => {
    progress.isOver = !signal.aborted // an iterator that threw needs no `return`
    throw thrown
  })
  progress.isOver = next.done === true
  if (progress.isOver) return
  await untilAborted(signal, writer.add(await textOf(channel, next.value)))
}

/** A chunk as JSON text. Throws for one that does not match the schema, that JSON would change, or that is too large. */
async function textOf(channel: ChannelDefinition, chunk: unknown): Promise<string> {
  const text = serialiseAs(channel, 'chunk', await fitting(channel, 'chunk', chunk))
  const bytes = Buffer.byteLength(text)
  if (bytes <= chunkBytes) return text
  throw new TrunklineError(
    'TOO_LARGE',
    `A chunk of stream ${channel.name} has ${bytes} bytes; at most ${chunkBytes} can be stored. Yield smaller chunks.`,
    { mayHaveRun: true },
  )
}

/** The outcome of a `produce` that threw. The error is reported once; readers get its code and message. */
function failure({ server }: InvocationContext, thrown: unknown): Outcome {
  const error = toTRPCError(thrown)
  server.report({ error, path: undefined, cause: 'worker' })
  const { message } = withoutSecrets(server, error)
  return { type: 'failed', code: codeOf(error), message: message.slice(0, messageCharacters) }
}

/** Keeps the stream's place among the runs of its starter. Returns a function that ends this. */
function keepPlace(context: InvocationContext, place: StreamState['place']): () => void {
  const ended = new AbortController()
  const keep = async () => {
    let held = { ...(place ?? { owner: '', run: '' }), lease: 0 }
    while (!ended.signal.aborted && place !== undefined) {
      try {
        const found = held.lease === 0 ? await holdRunPlace(context, held, { goesOn: true }) : undefined
        if (found !== undefined && found.status !== 'full') held = found.place
        else held = { ...held, lease: await renewRunPlace(context, held, ended.signal) }
      } catch {
        // The next renewal tries again.
      }
      await context.clock.sleep(renewPlaceMs, ended.signal)
    }
  }
  void keep()
  return () => ended.abort(null)
}
