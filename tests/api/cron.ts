import type { ScheduledEvent } from './aws-types.ts'
import { messages } from './readme/line.ts'
// retried by Lambda: the event's id makes it one
export const handler = async (event: ScheduledEvent) => {
  await messages.publish({ room: 'lobby' }, { author: 'clock', text: event.time }, { idempotencyKey: event.id })
}
