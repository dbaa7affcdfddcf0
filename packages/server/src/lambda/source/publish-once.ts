import { contentOf, type Entry } from '../../define/entry.ts'
import { randomName } from '../../ports/clock.ts'
import { keyExpires, rowNameOfPublish } from '../../runtime/calls/idempotency-key.ts'
import type { RuntimeContext } from '../../runtime/context/runtime-context.ts'
import { topicOf } from '../../runtime/log/validate-event.ts'
import { publish, publishEphemeral } from '../../runtime/publish.ts'

/**
 * Publishes an entry once under a key, also when it is repeated. An ephemeral channel has no log in which to find an
 * earlier publish, so the key is claimed first: the event is posted at most once.
 */
export async function publishOnce(context: RuntimeContext, entry: Entry, idempotencyKey: string): Promise<void> {
  const { definition, key, event } = contentOf(entry) ?? notAnEntry()
  if (definition.retentionMs !== undefined) {
    await publish(context, definition, key, event, { idempotencyKey })
    return
  }
  const now = context.clock.now()
  const { status } = await context.store.claimKey({
    key: rowNameOfPublish(await topicOf(definition, key), idempotencyKey),
    owner: randomName(context.clock, 20),
    lease: now,
    fingerprint: '',
    expires: keyExpires(now),
  })
  if (status === 'claimed') await publishEphemeral(context, definition, key, event)
}

function notAnEntry(): never {
  throw new TypeError('Expected toEvents to return entries made by channel.entry(key, event).')
}
