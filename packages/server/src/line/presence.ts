import type * as core from 'zod/v4/core'
import type { ChannelDefinition, PresenceInterest, PresenceTimes } from '../define/definition.ts'
import type { Presence, PresenceEvent, PresentMember } from '../define/presence.ts'
import { createSubscription } from '../define/subscription.ts'
import type { EventSchema, KeySchema } from '../define/topic.ts'
import { topicOf } from '../runtime/log/validate-event.ts'
import { viewPipes } from '../runtime/presence/rows/views.ts'
import { checkData, checkMember } from '../runtime/presence/validate-member.ts'
import type { ContextAccess } from './describe-subscription.ts'
import { describeSubscription } from './describe-subscription.ts'
import { operations } from './operations.ts'

/** A presence of a line. It resolves the line's backend at each call. */
export function createPresence<K extends KeySchema, D extends EventSchema>(
  definition: ChannelDefinition<K, D>,
  times: PresenceTimes,
  access: ContextAccess,
): Presence<K, D> {
  const { context } = access
  const { name, key, event: data, retentionMs = 0 } = definition
  const observe = <T>(topicKey: unknown, interest: Pick<PresenceInterest, 'view' | 'me'>) =>
    createSubscription<T>({
      ...describeSubscription(access, definition, topicKey),
      pipe: viewPipes[interest.view],
      presence: { ...times, ...interest },
    })
  return {
    name,
    key,
    data,
    join: (topicKey, me) =>
      observe<PresenceEvent<core.output<D>>>(topicKey, { view: 'members', me: checkMember(definition, me) }),
    watch: (topicKey) => observe<PresenceEvent<core.output<D>>>(topicKey, { view: 'members' }),
    count: (topicKey) => observe<number>(topicKey, { view: 'count' }),
    update: async (topicKey, given) => {
      const topic = await topicOf(definition, topicKey)
      const checked = await checkData(definition, given)
      const { updatePresence } = operations.loaded ?? (await operations.load())
      return updatePresence(context(), { topic, retentionMs }, checked)
    },
    read: async (topicKey) => {
      const { readMembersNow } = operations.loaded ?? (await operations.load())
      const members = await readMembersNow(context(), await topicOf(definition, topicKey))
      return members as readonly PresentMember<core.output<D>>[] // `data` validated each of them when it joined
    },
  }
}
