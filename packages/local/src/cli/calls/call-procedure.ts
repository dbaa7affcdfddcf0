import { TRPCClientError } from '@trpc/client'
import { defined } from '@trunkline/protocol'
import { codeDocs } from '../definition/docs.ts'
import { CommandFailure } from '../definition/io.ts'
import type { LineCaller } from './connect.ts'
import { type FailureFacts, toFacts } from './failure.ts'

interface Call {
  readonly path: string
  readonly input?: unknown
  readonly signal: AbortSignal
  /** The idempotency key of a mutation. */
  readonly key?: string
  /** @default a query first, then a mutation if there is no such query; the server runs only the one that exists */
  readonly type?: 'query' | 'mutation'
}

/** Calls a procedure. Rejects with the `TRPCClientError` of the call, or a `CommandFailure` for a path that has none. */
export async function callProcedure({ client }: LineCaller, call: Call): Promise<unknown> {
  const { path, input, key, signal, type } = call
  const mutate = () => client.mutation(path, input, { signal, ...(key !== undefined && { idempotencyKey: key }) })
  if (type === 'mutation') return mutate()
  try {
    return await client.query(path, input, { signal })
  } catch (error) {
    if (type === 'query' || !isNotFound(error)) throw error
    return mutate().catch((second: unknown) => {
      // a query that throws NOT_FOUND itself, such as for a room that does not exist, is no mutation
      throw isNotFound(second) ? (unknownOf(error, path) ?? error) : second
    })
  }
}

/** The error for a path that has neither, by tRPC's message for a query. */
function unknownOf(error: unknown, path: string): CommandFailure | undefined {
  if (!(error instanceof Error) || error.message !== `No "query"-procedure on path "${path}"`) return undefined
  return new CommandFailure(
    `NOT_FOUND: The line has no query and no mutation ${path}. Check its name, or use trunkline subscribe for a subscription. With --entry the nearest name is suggested.`,
    { code: 'NOT_FOUND', docs: codeDocs('NOT_FOUND') },
  )
}

/** Whether a call failed because the line has no procedure of its path that may be called. */
export function isUnknownPath(error: unknown): boolean {
  return error instanceof CommandFailure && error.facts['code'] === 'NOT_FOUND'
}

function isNotFound(error: unknown): boolean {
  const data: unknown = error instanceof TRPCClientError ? error.data : undefined
  return Object(data).code === 'NOT_FOUND'
}

/** The failure of a call as an error of the command, with what to do about it. */
export function toCommandFailure(error: unknown, caller: { readonly isAnonymous: boolean }): Error {
  if (!(error instanceof TRPCClientError)) return error instanceof Error ? error : new Error(String(error))
  const facts = toFacts(error)
  const { message, code, ...others } = facts
  return new CommandFailure(
    `${code === undefined ? '' : `${code}: `}${readable(message)}${remedyOf(facts, caller)}`,
    defined({ code, ...others }),
  )
}

/** The issues of a schema, which tRPC puts into the message as JSON, as `room: Invalid input; text: …`. */
function readable(message: string): string {
  if (!message.startsWith('[')) return message
  try {
    const issues = JSON.parse(message) as readonly { readonly path?: readonly unknown[]; readonly message: string }[]
    return issues.map((issue) => `${(issue.path ?? []).join('.') || 'the input'}: ${issue.message}`).join('; ')
  } catch {
    return message // the procedure's own text
  }
}

function remedyOf(
  { message, idempotencyKey, mayHaveRun }: FailureFacts,
  { isAnonymous }: { readonly isAnonymous: boolean },
): string {
  if (/data transformer/.test(message)) return ' Add --entry with the module that exports your handlers.'
  const isRepeatable = !isAnonymous // an anonymous session, whose keys these are, ends with the command
  if (mayHaveRun === true && idempotencyKey !== undefined && isRepeatable)
    return ` It may have run. Repeat the same mutation with --key ${idempotencyKey}.`
  return ''
}
