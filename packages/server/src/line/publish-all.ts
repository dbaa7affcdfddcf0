import type { Published } from '../define/channel.ts'
import { contentOf, type Entry } from '../define/entry.ts'
import type { RuntimeContext } from '../runtime/context/scope.ts'
import { publish, publishEphemeral } from '../runtime/publish.ts'
import { internalsOf } from './internals.ts'
import type { Line } from './line.ts'
/** Publishes several; one failure does not stop the others. Entries of the same channel keep their order. */
export async function publishBatch(
  line: Line,
  entries: readonly Entry[],
): Promise<readonly PromiseSettledResult<Published | undefined>[]> {
  const { scope } = internalsOf(line)
  const chains = new Map<string, Promise<unknown>>()
  const all = entries.map((entry) => {
    const before = chains.get(entry.channel) ?? Promise.resolve()
    const done = before.then(() => publishEntry(scope(entry.channel), entry))
    chains.set(
      entry.channel,
      done.catch(() => {}), // told by allSettled below
    )
    return done
  })
  return Promise.allSettled(all)
}

async function publishEntry(scope: RuntimeContext, entry: Entry): Promise<Published | undefined> {
  const { definition, key, event } = contentOf(entry)
  if (definition.retentionMs !== undefined) return publish(scope, definition, key, event)
  await publishEphemeral(scope, definition, key, event)
  return undefined
}
