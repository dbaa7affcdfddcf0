import { defined, lineErrors } from '@trunkline/protocol'
import { startedResult, stopFrame, stoppedResult } from '@trunkline/protocol/schemas'
import { anything, type JsonObject, type Schemas } from './json-schema.ts'
import type { Procedure } from './procedures.ts'

/** One kind of frame in a document. */
export interface Message {
  readonly name: string
  readonly title: string
  readonly payload: JsonObject
  /** False if the frame has no member `id` that correlates it. */
  readonly correlated?: false
  readonly summary?: string
}

const id = {
  type: ['string', 'number'],
  description: 'Identifies the call or subscription. Responses and events repeat it.',
}
const cursor = { type: 'string', description: 'The cursor `epoch:offset`, where a client resumes.' }

/** The frame that calls a procedure. */
export function requestFrame({ path, type }: Procedure, input: JsonObject | undefined): JsonObject {
  const own =
    type === 'subscription'
      ? { lastEventId: cursor, ref: { type: 'integer', minimum: 1, description: 'Rises with each attempt.' } }
      : type === 'mutation'
        ? {
            key: {
              type: 'string',
              description: 'The idempotency key: one effect and one response, however often it is sent.',
            },
          }
        : {}
  const params = members(defined({ path: { const: path }, input }), own)
  return members({ id, method: { const: type }, params })
}

/** tRPC's envelope of an event with a cursor to resume from. */
export function trackedData(event: JsonObject): JsonObject {
  return members({ id: cursor, data: event })
}

/** The frame with a response, an event, or the initial state of a subscription with `startWith`. */
export function dataFrame({ type }: Procedure, data: JsonObject): JsonObject {
  const isSubscription = type === 'subscription'
  const place = {
    id: cursor,
    prev: { type: 'integer', description: 'This is the only event in (prev, offset] for the subscription.' },
  }
  return members({
    id,
    result: isSubscription
      ? members({ type: { enum: ['data', 'snapshot'] } }, { data, ...place })
      : members({ type: { const: 'data' } }, { data }),
  })
}

/** The frames that all procedures share. */
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
      summary: 'An error of the procedure, or with `line` a failure of Trunkline itself.',
      payload: errorFrame(),
    },
    started: { name: 'started', title: 'The subscription is live', payload: result('wire.started', startedResult) },
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
    {
      message: { type: 'string' },
      code: { type: 'integer', description: 'The JSON-RPC number of the tRPC error code.' },
    },
    { data: anything('The output of the router’s `errorFormatter`; by default `code`, `httpStatus` and `path`.') },
  )
  const line = members(
    {
      code: { enum: [...Object.keys(lineErrors), 'PENDING'] },
      retry: { enum: ['now', 'later', 'after-auth', 'never'] },
      mayHaveRun: { type: 'boolean', description: 'False when the request certainly did not run.' },
    },
    { retryAfterMs: { type: 'number', minimum: 0 } },
  )
  return members({ id, error: shape }, { line })
}

function members(required: JsonObject, optional: JsonObject = {}): JsonObject {
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } }
}
