import type { Published } from '../define/channel.ts'
import { contentOf, type Entry } from '../define/entry.ts'
import type { RuntimeContext } from '../runtime/context/runtime-context.ts'
import { publish, publishEphemeral } from '../runtime/publish.ts'
import { internalsOf } from './internals.ts'
import type { Line } from './line.ts'

/**
 * Publishes several entries. Entries of one channel are published in order, and channels at the same time. A failure
 * does not stop the others. The results are in the order of the entries; an ephemeral channel's value is undefined.
 */
export async function publishBatch(
  line: Line,
  entries: readonly Entry[],
): Promise<readonly PromiseSettledResult<Published | undefined>[]> {
  const { context } = internalsOf(line)
  const last = new Map<string, Promise<unknown>>()
  const all = entries.map((entry) => {
    const before = last.get(entry.channel) ?? Promise.resolve()
    const done = before.then(() => publishEntry(context(entry.channel), entry))
    last.set(
      entry.channel,
      done.catch(() => {}), // `allSettled` reports it
    )
    return done
  })
  return Promise.allSettled(all)
}

async function publishEntry(context: RuntimeContext, entry: Entry): Promise<Published | undefined> {
  const { definition, key, event } = contentOf(entry)
  if (definition.retentionMs !== undefined) return publish(context, definition, { key, event })
  await publishEphemeral(context, definition, { key, event })
  return undefined
}
