import { checkOptionNames, withDocs } from '@trunkline/protocol'
import { describeValue } from '../../define/describe-value.ts'
import { contentOf, type Entry } from '../../define/entry.ts'
import type { Change, ImageOf, ImageSchema, InvalidRow } from '../../define/source.ts'
import { checkSchema } from '../../define/topic.ts'
import { internalsOf, type LineInternals } from '../../line/internals.ts'
import type { Line } from '../../line/line.ts'
import { randomName } from '../../ports/clock.ts'
import { keyExpires, rowNameOfPublish } from '../../runtime/calls/idempotency-key.ts'
import { createDeadline, withinDeadline } from '../../runtime/context/deadline.ts'
import { mapConcurrent } from '../../runtime/context/map-concurrent.ts'
import { boundInvoker, boundStore } from '../../runtime/context/port-deadlines.ts'
import type { RuntimeContext } from '../../runtime/context/runtime-context.ts'
import { topicOf } from '../../runtime/log/validate-event.ts'
import { publish, publishEphemeral } from '../../runtime/publish.ts'
import type { AwsHandler } from '../events/events.ts'
import { isRecord } from '../events/events.ts'
import { thrownEntry } from '../events/thrown-entry.ts'
import { workingMs } from '../events/time-left.ts'
import { byRow, type SourceRecord, toSourceRecords } from './source-records.ts'
import { validateChange } from './validate-change.ts'

/** How the changes of an application's table become events. */
export interface SourceOptions<S extends ImageSchema> {
  /** The line of the channels that the events are published to. */
  readonly line: Line
  /**
   * The schema of a row, before and after a change. Numbers are `number` (`bigint` beyond ±(2^53 − 1)), sets are `Set`,
   * and binary is `Uint8Array`.
   */
  readonly image: S
  /**
   * The events of a change, or none. The n-th entry of a change is published once, so the same change must always give
   * the same entries. If it throws, the stream repeats the record and the later records of the same row.
   */
  readonly toEvents: (change: Change<ImageOf<S>>) => readonly Entry[]
  /** Called with a row that `image` rejects. The change is skipped. @default a log line */
  readonly onInvalid?: (row: InvalidRow) => void
}

const concurrentRows = 8

const sourceNames: Readonly<Record<keyof SourceOptions<ImageSchema>, true>> = {
  line: true,
  image: true,
  toEvents: true,
  onInvalid: true,
}

/**
 * Creates the handler of a table's stream, which publishes the events of each change once. Export it, and map the
 * table's stream to it with `NEW_AND_OLD_IMAGES` and `ReportBatchItemFailures`. Events of an ephemeral channel are
 * published at most once. Throws a `TypeError` if `line` is not a line, or for an invalid option.
 */
export function createSourceHandler<S extends ImageSchema>(options: SourceOptions<S>): AwsHandler {
  const internals = checkSource(options)
  return async (event, lambdaContext) => {
    const records = toSourceRecords(event)
    const outer = internals.context()
    using deadline = createDeadline(outer.clock, workingMs(lambdaContext))
    const context: SourceContext = {
      ...outer,
      store: boundStore(outer.store, deadline, outer.clock),
      invoker: outer.invoker && boundInvoker(outer.invoker, deadline),
      deadline,
      consumer: consumerOf(lambdaContext),
    }
    const failed = await internals.enter(context, () => publishChanges(context, options, records))
    return { batchItemFailures: failed.map(({ sequence }) => ({ itemIdentifier: sequence })) }
  }
}

function checkSource<S extends ImageSchema>(options: SourceOptions<S>): LineInternals {
  checkOptionNames('createSourceHandler', options, sourceNames)
  const { line, image, toEvents } = options as Partial<SourceOptions<S>>
  const internals = internalsOf(line as Line)
  checkSchema('image of createSourceHandler', image)
  if (typeof toEvents !== 'function')
    throw new TypeError(
      withDocs(
        'options',
        `Expected toEvents of createSourceHandler to be a function of a change, got ${describeValue(toEvents)} Return the entries of the change.`,
      ),
    )
  return internals
}

interface SourceContext extends RuntimeContext {
  readonly deadline: NonNullable<RuntimeContext['deadline']>
  /** Names the function, because two functions may publish the changes of one table. */
  readonly consumer: string
}

/**
 * Publishes several rows at the same time, and the records of a row in order. Returns the failed records in the order
 * of the batch.
 */
async function publishChanges<S extends ImageSchema>(
  context: SourceContext,
  options: SourceOptions<S>,
  records: readonly SourceRecord[],
): Promise<readonly SourceRecord[]> {
  const rows = byRow(records)
  const failed = new Set<SourceRecord>()
  await mapConcurrent(rows, concurrentRows, async (row) => {
    for (const record of await publishRow(context, options, row)) failed.add(record)
  })
  return records.filter((record) => failed.has(record))
}

/** Returns the record that failed and those after it, so that the events of a row keep their order. */
async function publishRow<S extends ImageSchema>(
  context: SourceContext,
  options: SourceOptions<S>,
  records: readonly SourceRecord[],
): Promise<readonly SourceRecord[]> {
  const { deadline } = context
  for (const [index, record] of records.entries()) {
    try {
      deadline.throwIfPassed()
      await withinDeadline(deadline, publishChange(context, options, record))
    } catch (thrown) {
      logFailure(context, record, thrown)
      return records.slice(index)
    }
  }
  return []
}

async function publishChange<S extends ImageSchema>(
  context: SourceContext,
  { image, toEvents, onInvalid }: SourceOptions<S>,
  record: SourceRecord,
): Promise<void> {
  const validated = await validateChange(image, record)
  if ('issues' in validated) return reportInvalid(context, record, { issues: validated.issues, onInvalid })
  const entries: unknown = toEvents(validated.change)
  if (!Array.isArray(entries)) {
    const got = entries instanceof Promise ? 'a promise' : typeof entries
    throw new TypeError(
      withDocs(
        'options',
        `Expected toEvents to return an array of entries, got ${got}. Return [] for none, without await.`,
      ),
    )
  }
  for (const [index, entry] of entries.entries())
    await publishOnce(context, entry, `${context.consumer}\n${record.id}\n${index}`)
}

function consumerOf(lambdaContext: unknown): string {
  return isRecord(lambdaContext) && typeof lambdaContext['functionName'] === 'string'
    ? lambdaContext['functionName']
    : ''
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
        message: 'A row does not match the schema `image`; its change was skipped.',
        facts: { table, keys, issues },
      })
  } catch (thrown) {
    // [LAW-ISOLATION] An `onInvalid` that throws must not make an invalid row block the others.
    telemetry.log(thrownEntry('`onInvalid` threw.', { table, keys }, thrown))
  }
}

function logFailure({ telemetry }: RuntimeContext, { table, keys, id }: SourceRecord, thrown: unknown): void {
  const message = 'A change was not published. The stream repeats its record.'
  telemetry.log(thrownEntry(message, { table, keys, id }, thrown))
}

/**
 * Publishes an entry once under a key, also when it is repeated. An ephemeral channel has no log in which to find an
 * earlier publish, so the key is claimed first: the event is posted at most once.
 */
async function publishOnce(context: RuntimeContext, entry: Entry, idempotencyKey: string): Promise<void> {
  const { definition, ...publication } = contentOf(entry) ?? notAnEntry(entry)
  if (definition.retentionMs !== undefined) {
    await publish(context, definition, { ...publication, idempotencyKey })
    return
  }
  const now = context.clock.now()
  const { status } = await context.store.claimKey({
    key: rowNameOfPublish(await topicOf(definition, publication.key), idempotencyKey),
    owner: randomName(context.clock, 20),
    lease: now,
    fingerprint: '',
    expires: keyExpires(now),
  })
  if (status === 'claimed') await publishEphemeral(context, definition, publication)
}

function notAnEntry(entry: unknown): never {
  throw new TypeError(
    withDocs(
      'options',
      `Expected toEvents to return entries made by channel.entry(key, event), got ${describeValue(entry)} Make each entry with channel.entry.`,
    ),
  )
}
