import { type ChannelDefinition, declaredEventsOf } from '@trunkline/server/internal'
import { dataFrame, type Message, requestFrame, trackedData } from './frames.ts'
import { anything, type JsonObject, type Schemas } from './json-schema.ts'
import type { Procedure } from './procedures.ts'

/** The parts of a document for one procedure. */
export interface ProcedureParts {
  readonly id: string
  readonly title: string
  readonly request: string
  readonly replies: readonly string[]
  readonly extensions: JsonObject
  readonly messages: readonly Message[]
}

/** The messages of a procedure: its call, and its response or its events. */
export function procedureParts(
  procedure: Procedure,
  schemas: Schemas,
  channels: readonly ChannelDefinition[],
): ProcedureParts {
  const { path, type, meta } = procedure
  const name = toName(path)
  const isSubscription = type === 'subscription'
  const request = `${name}.call`
  const answer = isSubscription ? `${name}.event` : `${name}.answer`
  const input = inputOf(procedure, name, schemas)
  return {
    id: name,
    title: `${type} ${path}`,
    request,
    replies: isSubscription ? ['started', answer, 'stopped', 'error'] : [answer, 'error'],
    extensions: {
      tags: [{ name: type }],
      ...(Object.keys(meta).length === 0 ? {} : { 'x-trunkline-meta': meta }),
      ...channelsOfKey(procedure, channels),
    },
    messages: [
      { name: request, title: `Calls ${path}`, payload: requestFrame(procedure, input) },
      {
        name: answer,
        title: isSubscription ? `An event of ${path}` : `The response of ${path}`,
        payload: dataFrame(procedure, outputOf(procedure, name, schemas)),
      },
    ],
  }
}

/** Replaces characters that component names may not contain. */
export function toName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]/g, (character) => `_${character.codePointAt(0)?.toString(16)}_`)
}

function inputOf({ inputs }: Procedure, name: string, schemas: Schemas): JsonObject | undefined {
  if (inputs.length === 0) return undefined
  const all = inputs.map((input, index) =>
    schemas.add(inputs.length === 1 ? `${name}.input` : `${name}.input.${index + 1}`, input, 'input'),
  )
  const [only] = all
  return all.length === 1 ? only : { allOf: all }
}

const undeclared: Readonly<Record<Procedure['type'], string>> = {
  query: 'Not declared: the procedure has no `.output()`.',
  mutation: 'Not declared: the procedure has no `.output()`.',
  subscription:
    'Not declared: the procedure has no `.output(eventsOf(schema))`. It yields events of a channel, possibly converted by its own code.',
}

function outputOf({ type, output }: Procedure, name: string, schemas: Schemas): JsonObject {
  if (output === undefined) return anything(undeclared[type])
  const events = declaredEventsOf(output)
  if (events === undefined) return schemas.add(`${name}.output`, output, 'output')
  const event = schemas.add(`${name}.output`, events.schema, 'declared')
  return events.tracked ? trackedData(event) : event
}

/**
 * A subscription's channel is known only when it runs. Before that, the document can name the channels whose key equals
 * the input.
 */
function channelsOfKey({ type, inputs }: Procedure, channels: readonly ChannelDefinition[]): JsonObject {
  if (type !== 'subscription') return {}
  const named = channels.filter(({ key }) => inputs.includes(key)).map(({ name }) => name)
  return named.length === 0 ? {} : { 'x-trunkline-channels-of-this-key': named }
}
