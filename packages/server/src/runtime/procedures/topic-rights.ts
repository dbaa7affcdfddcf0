import { TRPCError } from '@trpc/server'
import { withDocs } from '@trunkline/protocol'
import type { ChannelDefinition } from '../../define/definition.ts'
import { channelOfTopic, keyOfTopic } from '../../define/topic.ts'
import type { TopicCaller } from '../../define/topic-rights.ts'
import { DeadlinePassed, narrowDeadline, withinDeadline } from '../context/deadline.ts'
import type { InvocationContext, RuntimeContext } from '../context/runtime-context.ts'
import { TrunklineError } from '../context/trunkline-error.ts'

/** How long one `authorize` of a channel may take [LAW-DEADLINE]. */
const decideMs = 3_000

/** The principal and the claims of a connection, as its rows hold them. `claims` is JSON text. */
export interface RightsHolder {
  readonly principal: string | null
  readonly claims?: string
}

/** The channel of a topic refused the caller. The message is the reason, which the client gets. [TL-RIGHT-1] */
export class TopicRefused extends TRPCError {
  constructor(reason: string) {
    super({ code: 'FORBIDDEN', message: reason })
  }
}

/** It is not known whether the caller may get a topic's events, so the caller gets none. [TL-RIGHT-2] */
export class RightUndecided extends TrunklineError {
  constructor(channel: string, cause: unknown) {
    super('FUNCTION_FAILED', `Channel ${channel} could not check who may subscribe. Try again later.`, { cause })
  }

  /** Whether `authorize` did not answer in time. */
  get isLate(): boolean {
    return this.cause instanceof DeadlinePassed
  }
}

/** The channel of a topic if it says who may subscribe; otherwise undefined. */
export function guardOf(context: Pick<RuntimeContext, 'channelOf'>, topic: string): ChannelDefinition | undefined {
  const channel = context.channelOf(channelOfTopic(topic))
  return channel?.authorize === undefined ? undefined : channel
}

/**
 * Asks `authorize` of a topic's channel whether a caller may get the topic's events. Throws `TopicRefused` or
 * `RightUndecided`. Does nothing for a channel without `authorize`.
 */
// [LAW-RIGHTS]
export async function checkRight(context: InvocationContext, topic: string, holder: RightsHolder): Promise<void> {
  const channel = guardOf(context, topic)
  if (channel?.authorize === undefined) return
  const answer = await answerOf(context, channel, topic, holder).catch((thrown: unknown) => {
    throw new RightUndecided(channel.name, thrown)
  })
  if (answer !== true) throw new TopicRefused(answer)
}

/** The largest claims that the row of a channel with `recheck` holds, in UTF-8 bytes of JSON. */
const recheckedClaimsBytes = 4_096

/** Throws TOO_LARGE for claims that the row of a channel with `recheck` may not hold. [TL-RIGHT-5] */
export function checkRecheckedClaims(claims: string | undefined): void {
  const bytes = claims === undefined ? 0 : Buffer.byteLength(claims)
  if (bytes <= recheckedClaimsBytes) return
  throw new TrunklineError(
    'TOO_LARGE',
    `The claims of this connection have ${bytes} bytes; at most ${recheckedClaimsBytes} are stored for a channel with recheck. Let authorize return fewer claims.`,
    { mayHaveRun: true },
  )
}

/** What `authorize` answers: `true` or a reason. Throws what it throws, and an error for any other answer. */
async function answerOf(
  context: InvocationContext,
  { name, authorize }: ChannelDefinition,
  topic: string,
  holder: RightsHolder,
): Promise<true | string> {
  const given = authorize?.(keyOfTopic(topic), toTopicCaller(holder))
  const answer = isThenable(given) ? await withinTime(context, Promise.resolve(given)) : given
  if (answer === true || (typeof answer === 'string' && answer !== '')) return answer
  throw new TypeError(
    withDocs(
      'identities',
      `Expected authorize of channel ${name} to return true or a reason, got ${describe(answer)}. Return a text for people to refuse.`,
    ),
  )
}

async function withinTime<T>({ clock, deadline: outer }: InvocationContext, promise: Promise<T>): Promise<T> {
  using deadline = narrowDeadline(clock, outer, decideMs)
  return await withinDeadline(deadline, promise)
}

/** Queries of database libraries are often no promises of their own. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

function toTopicCaller({ principal, claims }: RightsHolder): TopicCaller {
  if (principal === null) return { principal }
  return { principal, claims: claims === undefined ? null : (JSON.parse(claims) as unknown) }
}

function describe(answer: unknown): string {
  return answer === '' ? 'an empty text' : answer === false ? 'false' : answer === null ? 'null' : typeof answer
}
