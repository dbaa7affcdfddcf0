import type { PresenceRules } from '../../../define/definition.ts'
import type { SubscriptionDescriptor } from '../../../define/subscription.ts'
import { channelOfTopic } from '../../../define/topic.ts'
import type { RuntimeContext } from '../../context/runtime-context.ts'
import type { LogRef } from '../../log/replay.ts'

/** The log and the rules of a presence topic; undefined when its channel is no presence, or not of this line. */
export function presenceAt(context: RuntimeContext, topic: string): { log: LogRef; rules: PresenceRules } | undefined {
  const channel = channelOfTopic(topic)
  const rules = context.presenceOf(channel)
  const retentionMs = context.retentionOf(channel)
  return rules === undefined || retentionMs === undefined ? undefined : { log: { topic, retentionMs }, rules }
}

/** The log of a subscription to presence. */
export function logOf({ topic, channel }: Pick<SubscriptionDescriptor, 'topic' | 'channel'>): LogRef {
  return { topic, retentionMs: channel.retentionMs ?? 0 }
}
