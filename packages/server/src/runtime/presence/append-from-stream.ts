import type { InvocationContext } from '../context/scope.ts'
import { toTRPCError } from '../context/to-trpc-error.ts'
import { tell } from './append-change.ts'
import { presenceAt } from './rows/find-presence.ts'

/** A member whose row was written with something to tell, as the table's stream says. */
export interface StreamedPresence {
  /** Names the record, to report it. */
  readonly record: string
  readonly topic: string
  readonly member: string
}

const membersAtOnce = 8

/** Tells the log what a function that died did not come to tell. A row that is not `pending` any more was told. Returns the records that failed. [TL-PRES-9] */
export async function appendStreamed(
  scope: InvocationContext,
  streamed: readonly StreamedPresence[],
): Promise<readonly string[]> {
  const failed: string[] = []
  let next = 0
  const worker = async () => {
    for (let each = streamed[next++]; each !== undefined; each = streamed[next++]) {
      const { record } = each
      await appendOne(scope, each).catch((thrown: unknown) => {
        scope.server.report({ error: toTRPCError(thrown), path: undefined, cause: 'delivery' })
        failed.push(record)
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(membersAtOnce, streamed.length) }, worker))
  return failed
}

async function appendOne(scope: InvocationContext, { topic, member }: StreamedPresence): Promise<void> {
  const found = presenceAt(scope, topic)
  const row = found && (await scope.store.readPresence(topic, member))
  if (found !== undefined && row?.pending === true) await tell(scope, found.log, row)
}
