import type { ChannelItem, InspectorAction } from '../data-source.ts'
import { make } from './element.ts'
import { makeForm } from './fault-panel.ts'
import { createOutcome } from './page-state.ts'
import { createSchemaForm } from './schema-form.ts'

/** The form that publishes an event to a topic of a channel. With `key`, the topic is given. */
export function createPublishForm({ id, key: keySchema, event }: ChannelItem, key?: unknown): HTMLElement {
  const keyForm = key === undefined ? createSchemaForm(keySchema, 'Key') : undefined
  const eventForm = createSchemaForm(event, 'Event')
  const outcome = createOutcome()
  const read = (): InspectorAction => ({
    action: 'publish',
    channel: id,
    key: keyForm?.read() ?? key,
    data: eventForm.read(),
  })
  const fields = [...(keyForm === undefined ? [] : [keyForm.element]), eventForm.element]
  return make(
    'div',
    {},
    makeForm(`Publish to ${id}`, fields, 'Publish', () => void outcome.run(read)),
    outcome.element,
  )
}
