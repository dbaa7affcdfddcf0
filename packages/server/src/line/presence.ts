import type { ChannelDefinition, PresenceInterest, PresenceTimes } from '../define/definition.ts'
import type { Presence } from '../define/presence.ts'
import { createSubscription } from '../define/subscription.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import { topicOf } from '../runtime/log/validate-event.ts'
import { viewPipes } from '../runtime/presence/rows/views.ts'
import { readMembersNow } from '../runtime/presence/snapshot.ts'
import { updatePresence } from '../runtime/presence/update.ts'
import { checkData, checkMember } from '../runtime/presence/validate-member.ts'
import type { Reach } from './describe-subscription.ts'
import { describeSubscription } from './describe-subscription.ts'
export function createPresence(
  definition: ChannelDefinition,
  times: PresenceTimes,
  reach: Reach,
): Presence<KeySchema, EventSchema> {
  const { scope } = reach
  const { name, key, event: data, retentionMs = 0 } = definition
  const observe = (topicKey: unknown, interest: Pick<PresenceInterest, 'view' | 'me'>) =>
    createSubscription<never>({
      ...describeSubscription(reach, definition, topicKey),
      pipe: viewPipes[interest.view],
      presence: { ...times, ...interest },
    })
  return {
    name,
    key,
    data,
    join: (topicKey, me) => observe(topicKey, { view: 'members', me: checkMember(definition, me) }),
    watch: (topicKey) => observe(topicKey, { view: 'members' }),
    count: (topicKey) => observe(topicKey, { view: 'count' }),
    update: async (topicKey, given) => {
      const topic = await topicOf(definition, topicKey)
      return updatePresence(scope(), { topic, retentionMs }, await checkData(definition, given))
    },
    read: async (topicKey) => (await readMembersNow(scope(), await topicOf(definition, topicKey))) as never,
  }
}
