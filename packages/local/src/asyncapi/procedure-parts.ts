import { type ChannelDefinition, declaredEventsOf } from '@trunkline/server'
import { dataFrame, type Message, requestFrame, trackedData } from './frames.ts'
import { anything, type JsonObject, type Schemas } from './json-schema.ts'
import type { Procedure } from './procedures.ts'

/** What a document has of one procedure. */
export interface ProcedureParts {
  readonly id: string
  readonly title: string
  readonly request: string
  readonly replies: readonly string[]
  readonly extensions: JsonObject
  readonly messages: readonly Message[]
}

/** The call of a procedure, its answer or its events. */
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
      ...followed(procedure, channels),
    },
    messages: [
      { name: request, title: `Asks for ${path}`, payload: requestFrame(procedure, input) },
      {
        name: answer,
        title: isSubscription ? `An event of ${path}` : `The answer of ${path}`,
        payload: dataFrame(procedure, outputOf(procedure, name, schemas)),
      },
    ],
  }
}

/** Components have no other characters in their names. */
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
    'Not declared: the procedure has no `.output(eventsOf(schema))`. What it yields is an event of a channel, or what its code makes of one.',
}

function outputOf({ type, output }: Procedure, name: string, schemas: Schemas): JsonObject {
  if (output === undefined) return anything(undeclared[type])
  const events = declaredEventsOf(output)
  if (events === undefined) return schemas.add(`${name}.output`, output, 'output')
  const event = schemas.add(`${name}.output`, events.schema, 'declared')
  return events.tracked ? trackedData(event) : event
}

/** Which channel a subscription follows is known when it runs. Before that, a channel whose key is the very input may be told. */
function followed({ type, inputs }: Procedure, channels: readonly ChannelDefinition[]): JsonObject {
  if (type !== 'subscription') return {}
  const named = channels.filter(({ key }) => inputs.includes(key)).map(({ name }) => name)
  return named.length === 0 ? {} : { 'x-trunkline-channels-of-this-key': named }
}
