import { TRPCError } from '@trpc/server'
import { defined } from '@trunkline/protocol'
import type { ChannelDefinition } from '../../define/definition.ts'
import type { StreamStatus } from '../../define/stream.ts'
import { randomName } from '../../ports/clock.ts'
import { digest, ownerOf } from '../calls/idempotency-key.ts'
import { takeRunPlace, tooManyRuns } from '../calls/run-place.ts'
import { DeadlinePassed } from '../context/deadline.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'
import { expiresFor } from '../log/retention.ts'
import { fitting, serialiseAs, topicNameOf } from '../log/validate-event.ts'
import { countPublished } from '../rates/count-published.ts'
import { pokeWorker, releasePlace, settleStream } from '../streams/settle.ts'
import { isPast, type StreamState } from '../streams/state.ts'
import { putStreamSlot, type StreamRef, statusOf } from '../streams/stream-log.ts'

const dayMs = 24 * 3_600_000
const inputBytes = 262_144 // 256 KB: less than the 400 KB of an item

/** The stream of a topic. Throws a `TypeError` for a channel that is no stream. */
export function streamOf({ name, stream, retentionMs = 0 }: ChannelDefinition, topic: string): StreamRef {
  if (stream === undefined) throw new TypeError(`Expected ${name} to be a stream, got a channel. Use line.stream.`)
  return { topic, retentionMs, rules: stream }
}

/**
 * Starts a stream, or returns the one that exists. The log decides: the poke of a worker only says that there is a
 * stream to look at, and the table's stream says it again.
 */
// [LAW-STREAM]
export async function startStream(
  context: RuntimeContext,
  channel: ChannelDefinition,
  given: { readonly key: unknown; readonly input: unknown },
): Promise<StreamStatus> {
  context.deadline?.signal.throwIfAborted() // nothing is written after the deadline
  const key = await fitting(channel, 'key', given.key)
  const ref = streamOf(channel, topicNameOf(channel, key))
  const text = serialiseAs(channel, 'input', [key, await fitting(channel, 'input', given.input)])
  checkBytes(channel, text)
  const input = digest(canonical(text))
  const starting = { input, text, isWritten: false }
  for (let { head, evidence } = await settleStream(context, ref); ; ) {
    if (head.state !== undefined && !isPast(evidence, ref))
      return existing(context, channel, ref, { state: head.state, input })
    if (!starting.isWritten) await countPublished(context, text)
    const place = await takePlace(context)
    const write = { kind: 'start', input, ...defined({ place }) } as const
    if (!starting.isWritten) await putInput(context, ref, starting)
    const slot = { write, publishId: randomName(context.clock, 20) }
    const put = await putStreamSlot(context, ref, { head, evidence, slot })
    if (put.status === 'put') {
      context.telemetry.measure('publishes', 1)
      await pokeStarted(context, channel, ref.topic)
      return statusOf(put.head)
    }
    await releasePlace(context, place)
    ;({ head, evidence } = await settleStream(context, ref, put.head))
  }
}

/** The answer to a start of a stream that exists. */
async function existing(
  context: RuntimeContext,
  channel: ChannelDefinition,
  ref: StreamRef,
  { state, input }: { readonly state: StreamState; readonly input: string },
): Promise<StreamStatus> {
  const isStoppedBefore = state.at === 'closed' && state.input === ''
  if (state.input !== input && !isStoppedBefore)
    throw new TRPCError({
      code: 'CONFLICT',
      message: `This key of stream ${channel.name} was started with another input. Start it with the same input, or use another key.`,
    })
  if (state.at === 'waiting') await pokeStarted(context, channel, ref.topic)
  return statusOf({ state })
}

/** Puts the input before the slot that names it, so that a worker that sees the slot finds it. */
async function putInput(
  context: RuntimeContext,
  { topic, retentionMs }: StreamRef,
  starting: { readonly input: string; readonly text: string; isWritten: boolean },
): Promise<void> {
  const expires = expiresFor(context.clock.now() + dayMs, retentionMs)
  await context.store.putStreamInput({ topic, digest: starting.input, input: starting.text, expires })
  starting.isWritten = true
}

/** Throws FUNCTION_FAILED when the worker cannot be invoked. A script needs no invoker: the table's stream pokes. */
async function pokeStarted(context: RuntimeContext, { name }: ChannelDefinition, topic: string): Promise<void> {
  try {
    await pokeWorker(context, topic)
  } catch (cause) {
    if (cause instanceof DeadlinePassed) throw cause
    const message =
      `Stream ${name} was started, but the function that produces it could not be invoked. ` +
      'It is invoked again soon. Start it again with the same key and input to make sure.'
    throw new TrunklineError('FUNCTION_FAILED', message, { cause, mayHaveRun: true })
  }
}

/** [TL-RUN-1] Takes a place for a stream that a frame starts. Throws RATE_LIMITED when as many runs go on as may. */
async function takePlace(context: RuntimeContext): Promise<StreamState['place']> {
  const { starter } = context
  if (starter === undefined || !isServing(context)) return undefined
  const place = { owner: ownerOf(starter), run: randomName(context.clock, 16) }
  const found = await takeRunPlace(context, place)
  if (found.status === 'full') throw tooManyRuns(context, found.retryAfterMs)
  return place
}

function isServing(context: RuntimeContext): context is InvocationContext {
  return context.server !== undefined && context.deadline !== undefined
}

function checkBytes({ name }: ChannelDefinition, text: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= inputBytes) return
  throw new TrunklineError(
    'TOO_LARGE',
    `An input of stream ${name} has ${bytes} bytes with its key; at most ${inputBytes} can be stored. Pass less, such as a reference to the data.`,
  )
}

/** The JSON text with the members of each object sorted, so that equal inputs have one digest. */
function canonical(text: string): string {
  return JSON.stringify(JSON.parse(text), (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
