import * as z from 'zod'
import {
  type InspectorAction,
  InspectorError,
  type ListName,
  type ListQuery,
  listNames,
  mostRows,
  type OpenQuery,
} from './data-source.ts'

const mostSearch = 1_000 // characters
const dayMs = 86_400_000
const id = z.string().min(1).max(2_000)
const connection = z.optional(id)
const count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const listQuery = z.object({
  search: z.string().max(mostSearch).default(''),
  offset: count.default(0),
  limit: count.min(1).max(mostRows).default(100),
  through: z.optional(count),
  more: z.optional(z.literal('1').transform(() => true)),
})
const openQuery = z.object({ id, before: z.optional(count) })
const caller = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('anonymous') }),
  z.strictObject({ kind: z.literal('token'), token: id.max(10_000) }),
  z.strictObject({ kind: z.literal('connection'), connection: id }),
])
const actions = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('cut'), connection }),
  z.strictObject({
    action: z.literal('kick'),
    connection: id,
    reason: z.string().min(1).max(200),
    banMs: z.optional(
      z
        .int()
        .min(1_000)
        .max(30 * dayMs),
    ),
  }),
  z.strictObject({ action: z.literal('publish'), channel: id, key: z.unknown(), data: z.unknown() }),
  z.strictObject({ action: z.literal('call'), path: id, input: z.optional(z.unknown()), caller }),
  z.strictObject({ action: z.literal('stop'), connection: id }),
  z.strictObject({
    action: z.literal('fault'),
    point: id,
    effect: id,
    delayMs: z.optional(z.int().min(0).max(3_600_000)),
    times: z.optional(z.int().min(1).max(1_000_000)),
    path: z.optional(id),
    connection,
  }),
  z.strictObject({ action: z.literal('clearFault'), id: z.int() }),
  z.strictObject({ action: z.literal('clearFaults') }),
  z.strictObject({ action: z.literal('killRuns'), function: id }),
  z.strictObject({ action: z.literal('expireToken'), connection }),
  z.strictObject({ action: z.literal('twoHours'), connection }),
  z.strictObject({
    action: z.literal('advance'),
    ms: z
      .int()
      .min(1)
      .max(30 * dayMs),
  }),
])

/** Throws an `InspectorError` with the status 404 for a name that is no list. */
export function parseListName(name: string): ListName {
  const found = listNames.find((one) => one === name)
  if (found !== undefined) return found
  throw new InspectorError(404, `Expected a list (${listNames.join(', ')}), got ${JSON.stringify(name)}.`)
}

/** Throws an `InspectorError` that names the wrong parameter. */
export function parseListQuery(parameters: URLSearchParams): ListQuery {
  return check(listQuery, Object.fromEntries(parameters)) as ListQuery // optional members are absent, not undefined
}

/** Throws an `InspectorError` that names the wrong parameter. */
export function parseOpenQuery(parameters: URLSearchParams): OpenQuery & { readonly id: string } {
  return check(openQuery, Object.fromEntries(parameters)) as OpenQuery & { readonly id: string }
}

/** Throws an `InspectorError` that says what was expected of the JSON text. */
export function parseAction(text: string): InspectorAction {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new InspectorError(400, 'Expected an action as JSON, got a text that is no JSON.')
  }
  return check(actions, value) as InspectorAction
}

function check<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const { data, error } = schema.safeParse(value)
  if (error === undefined) return data as z.output<S>
  const words = error.issues.map(({ path, message }) => `${path.join('.') || 'the request'}: ${message}`)
  throw new InspectorError(400, words.join('; '))
}
