import type { Entry } from '../../define/entry.ts'
import type { Change, ImageOf, ImageSchema, InvalidRow } from '../../define/source.ts'
import { internalsOf } from '../../line/internals.ts'
import type { Line } from '../../line/line.ts'
import { createDeadline, withinDeadline } from '../../runtime/context/deadline.ts'
import { boundInvoker, boundStore } from '../../runtime/context/port-deadlines.ts'
import type { RuntimeContext } from '../../runtime/context/scope.ts'
import type { AwsHandler } from '../events/events.ts'
import { isRecord } from '../events/events.ts'
import { thrownEntry } from '../events/thrown-entry.ts'
import { workingMs } from '../events/time-left.ts'
import { publishOnce } from './publish-once.ts'
import { byRow, type SourceRecord, toSourceRecords } from './source-records.ts'
import { validateChange } from './validate-change.ts'

/** What is made of a table of the application's own. */
export interface SourceOptions<S extends ImageSchema> {
  readonly line: Line
  /** What a row of the table is, before and after a change. Numbers, sets and binary come as `number` (`bigint` beyond 2^53 − 1), `Set` and `Uint8Array`. */
  readonly image: S
  /**
   * The events of a change; none for a change that nobody needs to hear of. The n-th entry of a change is published once, so the same change should give the
   * same entries. What it throws is an error of the application: the record is tried again by the stream, and with it the later ones of the same row.
   */
  readonly toEvents: (change: Change<ImageOf<S>>) => readonly Entry[]
  /** A row that does not fit `image` is skipped and reported here. @default a structured log line */
  readonly onInvalid?: (row: InvalidRow) => void
}

const rowsAtOnce = 8

/**
 * The handler of a table's stream: each change becomes events, once each. Export it and map the table's stream to it, with `NEW_AND_OLD_IMAGES` and
 * `ReportBatchItemFailures`; nothing is registered by import. Events of an ephemeral channel are published at most once.
 */
export function createSourceHandler<S extends ImageSchema>(options: SourceOptions<S>): AwsHandler {
  const internals = internalsOf(options.line)
  return async (event, context) => {
    const records = toSourceRecords(event)
    const outer = internals.scope()
    using deadline = createDeadline(outer.clock, workingMs(context))
    const scope: SourceScope = {
      ...outer,
      store: boundStore(outer.store, deadline.signal),
      invoker: outer.invoker && boundInvoker(outer.invoker, deadline.signal),
      deadline,
      consumer: consumerOf(context),
    }
    const failed = await internals.enter(scope, () => publishChanges(scope, options, records))
    return { batchItemFailures: failed.map(({ sequence }) => ({ itemIdentifier: sequence })) }
  }
}

interface SourceScope extends RuntimeContext {
  readonly deadline: NonNullable<RuntimeContext['deadline']>
  /** Two functions may make events of one table. */
  readonly consumer: string
}

/** Works on several rows at once and on each row's records in turn. Gives the records that failed, in the order of the batch. */
async function publishChanges<S extends ImageSchema>(
  scope: SourceScope,
  options: SourceOptions<S>,
  records: readonly SourceRecord[],
): Promise<readonly SourceRecord[]> {
  const rows = byRow(records)
  const failed = new Set<SourceRecord>()
  let next = 0
  const work = async () => {
    for (let row = rows[next++]; row !== undefined; row = rows[next++])
      for (const record of await publishRow(scope, options, row)) failed.add(record)
  }
  await Promise.all(Array.from({ length: Math.min(rowsAtOnce, rows.length) }, work))
  return records.filter((record) => failed.has(record))
}

/** Gives the record that failed and those after it: a row's events keep their order. */
async function publishRow<S extends ImageSchema>(
  scope: SourceScope,
  options: SourceOptions<S>,
  records: readonly SourceRecord[],
): Promise<readonly SourceRecord[]> {
  const { signal } = scope.deadline
  for (const [index, record] of records.entries()) {
    try {
      signal.throwIfAborted()
      await withinDeadline(signal, publishChange(scope, options, record))
    } catch (thrown) {
      logFailure(scope, record, thrown)
      return records.slice(index)
    }
  }
  return []
}

async function publishChange<S extends ImageSchema>(
  scope: SourceScope,
  { image, toEvents, onInvalid }: SourceOptions<S>,
  record: SourceRecord,
): Promise<void> {
  const validated = await validateChange(image, record)
  if ('issues' in validated) return reportInvalid(scope, record, { issues: validated.issues, onInvalid })
  for (const [index, entry] of toEvents(validated.change).entries())
    await publishOnce(scope, entry, `${scope.consumer}\n${record.id}\n${index}`)
}

function consumerOf(context: unknown): string {
  return isRecord(context) && typeof context['functionName'] === 'string' ? context['functionName'] : ''
}

function reportInvalid(
  { telemetry }: RuntimeContext,
  { table, keys }: SourceRecord,
  { issues, onInvalid }: Pick<InvalidRow, 'issues'> & { readonly onInvalid: ((row: InvalidRow) => void) | undefined },
): void {
  try {
    if (onInvalid !== undefined) onInvalid({ keys, issues })
    else
      telemetry.log({
        level: 'WARN',
        message: 'A row does not fit; its change was skipped.',
        facts: { table, keys, issues },
      })
  } catch (thrown) {
    telemetry.log(thrownEntry('`onInvalid` threw.', { table, keys }, thrown)) // it must not make a bad row block the others
  }
}

function logFailure({ telemetry }: RuntimeContext, { table, keys, id }: SourceRecord, thrown: unknown): void {
  const message = 'A change was not published; its record is tried again.'
  telemetry.log(thrownEntry(message, { table, keys, id }, thrown))
}
