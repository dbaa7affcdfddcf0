import type { PresenceRules } from '../../../define/definition.ts'
import { channelOfTopic } from '../../../define/topic.ts'
import type { RuntimeContext } from '../../context/scope.ts'
import type { LogRef } from '../../log/replay.ts'

/** The log and the rules of a presence topic; undefined when the topic is of another channel, or of none of this line. */
export function presenceAt(scope: RuntimeContext, topic: string): { log: LogRef; rules: PresenceRules } | undefined {
  const channel = channelOfTopic(topic)
  const rules = scope.presenceOf(channel)
  const retentionMs = scope.retentionOf(channel)
  return rules === undefined || retentionMs === undefined ? undefined : { log: { topic, retentionMs }, rules }
}
