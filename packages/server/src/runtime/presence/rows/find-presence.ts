import type { PresenceRules } from '../../../define/definition.ts'
import { channelOfTopic } from '../../../define/topic.ts'
import type { Scope } from '../../context/scope.ts'
import type { Followed } from '../../log/replay.ts'

/** The log and the rules of a presence topic; undefined when the topic is of another channel, or of none of this line. */
export function presenceAt(scope: Scope, topic: string): { log: Followed; rules: PresenceRules } | undefined {
  const channel = channelOfTopic(topic)
  const rules = scope.presenceOf(channel)
  const retentionMs = scope.retentionOf(channel)
  return rules === undefined || retentionMs === undefined ? undefined : { log: { topic, retentionMs }, rules }
}
