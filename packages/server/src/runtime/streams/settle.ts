import { randomName } from '../../ports/clock.ts'
import { reportDelivery } from '../context/report-delivery.ts'
import { canDeliver, type RuntimeContext } from '../context/runtime-context.ts'
import { type Evidence, judge, type StreamState } from './state.ts'
import { evidenceOf, putStreamSlot, readHead, type StreamHead, type StreamPut, type StreamRef } from './stream-log.ts'

/** A worker is poked for one stream at most this often by those who look at it. */
const pokeMs = 30_000
const daySeconds = 24 * 3_600

/** The job of the `worker` function that looks at a stream. */
export interface StreamJob {
  readonly kind: 'stream'
  readonly topic: string
}

/** Whether a Lambda event is such a job. */
export function isStreamJob(event: unknown): event is StreamJob {
  const { kind, topic } = (event ?? {}) as Partial<StreamJob>
  return kind === 'stream' && typeof topic === 'string'
}

/**
 * Asks a worker to look at a stream. The job says nothing else, so it harms nothing when it is lost, late or comes
 * twice. Throws what the invoker throws.
 */
export async function pokeWorker({ invoker }: RuntimeContext, topic: string): Promise<void> {
  await invoker?.invoke('worker', { kind: 'stream', topic } satisfies StreamJob)
}

/**
 * Settles a stream that somebody looks at: closes one that is lost, and pokes a worker for one that must be claimed.
 * Returns its head afterwards. Does neither when this invocation has settled as many streams as it may.
 */
// [LAW-STREAM-SETTLE]
export async function settleStream(
  context: RuntimeContext,
  ref: StreamRef,
  known?: StreamHead,
): Promise<{ readonly head: StreamHead; readonly evidence: Evidence }> {
  for (let head = known ?? (await readHead(context, ref.topic)); ; ) {
    const evidence = await evidenceOf(context, ref.topic, head)
    const verdict = judge(evidence, ref.rules)
    if (verdict === 'leave' || !context.settles.take()) return { head, evidence }
    if (verdict === 'claim') {
      await pokeOnce(context, ref.topic)
      return { head, evidence }
    }
    const put = await closeLost(context, ref, { head, evidence })
    if (put.status === 'put') return { head: put.head, evidence: await evidenceOf(context, ref.topic, put.head) }
    head = put.head // a slot that has come means that somebody lives
  }
}

/** Closes a lost stream. The slot states the last sign of life, so that a stream that is found late is as old as it is. */
export async function closeLost(
  context: RuntimeContext,
  ref: StreamRef,
  { head, evidence }: { readonly head: StreamHead; readonly evidence: Evidence },
): Promise<StreamPut> {
  const slot = {
    write: { kind: 'close', outcome: { type: 'lost' } },
    publishId: randomName(context.clock, 20),
    time: evidence.lastSign,
  } as const
  const put = await putStreamSlot(context, ref, { head, evidence, slot })
  if (put.status === 'put') await releasePlace(context, head.state?.place)
  return put
}

/** Frees the place of a stream among its starter's runs. One that cannot be freed is free when its lease ends. */
export async function releasePlace({ store }: RuntimeContext, place: StreamState['place']): Promise<void> {
  if (place !== undefined) await store.releaseRunPlace(place).catch(() => {})
}

/** A poke that fails is reported only: the next one who looks pokes again. */
async function pokeOnce(context: RuntimeContext, topic: string): Promise<void> {
  const at = context.clock.now()
  const expires = Math.ceil(at / 1_000) + daySeconds
  try {
    const taken = await context.store.takeStreamPoke({ topic, at, before: at - pokeMs, expires })
    if (taken === 'taken') await pokeWorker(context, topic)
  } catch (thrown) {
    if (canDeliver(context)) reportDelivery(context, undefined, thrown)
  }
}
