import { lineErrors } from '@trunkline/protocol'
import { startedResult, stopFrame, stoppedResult } from '@trunkline/protocol/schemas'
import { anything, type JsonObject, type Schemas } from './json-schema.ts'
import type { Procedure } from './procedures.ts'

/** One kind of frame, as a document shows it. */
export interface Message {
  readonly name: string
  readonly title: string
  readonly payload: JsonObject
  /** False where no member `id` names what it belongs to. */
  readonly correlated?: false
  readonly summary?: string
}

const id = { type: ['string', 'number'], description: 'Names the call or subscription: answers and events repeat it.' }
const cursor = { type: 'string', description: 'The cursor `epoch:offset`, where a client resumes.' }

/** The frame that asks for a procedure. */
export function requestFrame({ path, type }: Procedure, input: JsonObject | undefined): JsonObject {
  const own =
    type === 'subscription'
      ? { lastEventId: cursor, ref: { type: 'integer', minimum: 1, description: 'Rises with each attempt.' } }
      : type === 'mutation'
        ? {
            key: { type: 'string', description: 'The idempotency key: one effect and one answer, whatever is resent.' },
          }
        : {}
  const params = members({ path: { const: path }, ...(input === undefined ? {} : { input }) }, own)
  return members({ id, method: { const: type }, params })
}

/** tRPC's envelope of an event that can be resumed from. */
export function trackedData(event: JsonObject): JsonObject {
  return members({ id: cursor, data: event })
}

/** The frame that carries an answer or an event, or the state that a subscription with `startWith` begins with. */
export function dataFrame({ type }: Procedure, data: JsonObject): JsonObject {
  const isSubscription = type === 'subscription'
  const place = {
    id: cursor,
    prev: { type: 'integer', description: 'No event in (prev, offset] but this one is for the subscription.' },
  }
  return members({
    id,
    result: isSubscription
      ? members({ type: { enum: ['data', 'snapshot'] } }, { data, ...place })
      : members({ type: { const: 'data' } }, { data }),
  })
}

/** The frames that are the same for every procedure. */
export function commonFrames(schemas: Schemas): {
  readonly error: Message
  readonly started: Message
  readonly stopped: Message
  readonly stop: Message
} {
  const result = (name: string, schema: unknown) => members({ id, result: schemas.add(name, schema, 'output') })
  return {
    error: {
      name: 'error',
      title: 'A failure',
      summary: 'Of the procedure, or with `line` of the line itself.',
      payload: errorFrame(),
    },
    started: { name: 'started', title: 'The subscription lives', payload: result('wire.started', startedResult) },
    stopped: { name: 'stopped', title: 'The subscription has ended', payload: result('wire.stopped', stoppedResult) },
    stop: {
      name: 'subscription.stop',
      title: 'Ends a subscription',
      payload: schemas.add('wire.stop', stopFrame, 'input'),
    },
  }
}

function errorFrame(): JsonObject {
  const shape = members(
    { message: { type: 'string' }, code: { type: 'integer', description: 'JSON-RPC’s number of tRPC’s code.' } },
    { data: anything('As the router’s `errorFormatter` makes it; by default `code`, `httpStatus` and `path`.') },
  )
  const line = members(
    {
      code: { enum: [...Object.keys(lineErrors), 'PENDING'] },
      retry: { enum: ['now', 'later', 'after-auth', 'never'] },
      mayHaveRun: { type: 'boolean', description: 'False when the request surely never ran.' },
    },
    { retryAfterMs: { type: 'number', minimum: 0 } },
  )
  return members({ id, error: shape }, { line })
}

function members(required: JsonObject, optional: JsonObject = {}): JsonObject {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } }
}
