import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLocalClock, type LocalClock } from '../../clock.ts'
import { createFunctions, type LocalFunctions, UnknownFunctionError } from '../functions.ts'
import type { FailureMessage } from '../invocations/destination-record.ts'
import type { StreamMapping, StreamRecord, TableStreamLike } from './stream-source.ts'

let clock: LocalClock
let functions: LocalFunctions
let stream: ReturnType<typeof createStream>
beforeEach(async () => {
  clock = createLocalClock()
  functions = await createFunctions({ clock })
  stream = createStream()
})
afterEach(async () => {
  await functions.close()
  clock.close()
})

interface TestRecord extends StreamRecord {
  readonly n: number
}
const streamArn = 'arn:aws:dynamodb:us-east-1:000000000000:table/T/stream/1'

/** A stream in memory with the DynamoDB emulator's interface, without a table. */
function createStream() {
  const shards = new Map<string, TestRecord[]>()
  const listeners = new Set<() => void>()
  let last = 99
  const like: TableStreamLike<TestRecord> = {
    shards: () => [...shards.keys()],
    read(shardId, after, limit) {
      const all = shards.get(shardId) ?? []
      return all.filter((record) => BigInt(record.dynamodb.SequenceNumber) > BigInt(after ?? 0)).slice(0, limit)
    },
    onRecord(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return {
    ...like,
    add(shardId: string, ...items: number[]) {
      const shard = shards.get(shardId) ?? []
      shards.set(shardId, shard)
      for (const n of items) {
        last += 1
        const Keys = { pk: { S: String(n) } }
        const ApproximateCreationDateTime = Math.floor(clock.now() / 1_000)
        const dynamodb = { SequenceNumber: String(last), Keys, ApproximateCreationDateTime }
        shard.push({ n, eventName: 'INSERT', eventSourceARN: streamArn, dynamodb })
      }
      for (const listener of listeners) listener()
    },
  }
}

/** Registers a handler and collects its batches, as the items' numbers. */
function consume(
  handler: (batch: number[], records: readonly TestRecord[]) => unknown,
  mapping: Partial<StreamMapping<TestRecord>> = {},
) {
  const batches: number[][] = []
  functions.register({
    name: 'tableStream',
    timeoutMs: 60_000,
    run: {
      kind: 'in-process',
      async handler(event) {
        const { Records } = event as { readonly Records: readonly TestRecord[] }
        const batch = Records.map(({ n }) => n)
        batches.push(batch)
        return handler(batch, Records)
      },
    },
  })
  const handle = functions.mapStream({ stream, functionName: 'tableStream', ...mapping })
  return { batches, close: handle.close }
}
const advance = (ms: number) => clock.advance(ms, () => functions.idle())
const failOn = (poison: number) => (batch: number[]) => {
  if (batch.includes(poison)) throw new Error(`poison ${poison}`)
}
const reportFrom = (poison: number) => (batch: number[], records: readonly TestRecord[]) => ({
  batchItemFailures: batch.includes(poison)
    ? [{ itemIdentifier: records[batch.indexOf(poison)]?.dynamodb.SequenceNumber }]
    : [],
})

describe('batches', () => {
  test('begin with the oldest record and come in order, one after another', async () => {
    stream.add('s', 1, 2)
    let inside = 0
    const { batches } = consume(
      async () => {
        inside += 1
        expect(inside).toBe(1)
        await new Promise(setImmediate)
        inside -= 1
      },
      { batchSize: 2 },
    )
    stream.add('s', 3)
    await functions.idle()
    stream.add('s', 4, 5, 6)
    await functions.idle()
    expect(batches).toEqual([[1, 2], [3], [4, 5], [6]])
  })

  test('contain 100 records by default', async () => {
    stream.add('s', ...Array.from({ length: 150 }, (_, n) => n))
    const { batches } = consume(() => {})
    await functions.idle()
    expect(batches.map((batch) => batch.length)).toEqual([100, 50])
  })

  test('exclude records that the filter rejects or cannot read, and are not sent when empty', async () => {
    const filter = ({ n }: TestRecord) => {
      if (n === 3) throw new TypeError('no such image')
      return n % 2 === 1
    }
    const { batches } = consume(() => {}, { filter })
    stream.add('s', 2, 4)
    await functions.idle()
    stream.add('s', 1, 2, 3, 5)
    await functions.idle()
    expect(batches).toEqual([[1, 5]])
  })

  test('need a function that is registered', () => {
    expect(() => functions.mapStream({ stream, functionName: 'nobody' })).toThrow(UnknownFunctionError)
  })

  test('stop when the mapping is closed', async () => {
    const { batches, close } = consume(() => {})
    stream.add('s', 1)
    await functions.idle()
    stream.add('s', 2)
    close()
    stream.add('s', 3)
    await functions.idle()
    expect(batches).toEqual([[1]])
  })

  test('of one shard run concurrently with a parallelization factor, each item in order', async () => {
    let inside = 0
    let most = 0
    const seen: string[] = []
    consume(
      async (_batch, records) => {
        inside += 1
        most = Math.max(most, inside)
        await new Promise(setImmediate)
        inside -= 1
        for (const { n, dynamodb } of records) seen.push(`${n}@${dynamodb.SequenceNumber}`)
      },
      { parallelizationFactor: 4, batchSize: 1 },
    )
    const items = [1, 2, 3, 4, 5, 6, 7, 8]
    stream.add('s', ...items, ...items, ...items)
    await functions.idle()
    expect(most).toBeGreaterThan(1)
    expect(seen).toHaveLength(24)
    for (const n of items) {
      const own = seen.filter((name) => name.startsWith(`${n}@`))
      expect(own).toEqual([...own].sort())
      expect(own).toHaveLength(3)
    }
  })
})

describe('a batch that fails', () => {
  test('is retried completely and blocks only its own shard', async () => {
    let healthy = false
    const { batches } = consume((batch) => (healthy ? undefined : failOn(1)(batch)), { batchSize: 2 })
    stream.add('bad', 1, 2, 3)
    stream.add('good', 7, 8, 9)
    await functions.idle()
    expect(batches.filter(([n = 0]) => n > 6)).toEqual([[7, 8], [9]])
    expect(batches.filter(([n = 0]) => n < 6).every((batch) => batch.join() === '1,2')).toBe(true)
    healthy = true
    await advance(60_000)
    expect(batches.slice(-2)).toEqual([[1, 2], [3]])
  })

  test('is retried without a limit by default', async () => {
    const { batches } = consume(failOn(1))
    stream.add('s', 1)
    await advance(3_600_000)
    expect(batches.length).toBeGreaterThan(50)
    expect(functions.failures()).toEqual([])
  })

  test('recovers from a single failure without the clock moving', async () => {
    let failing = true
    const { batches } = consume(() => {
      if (!failing) return
      failing = false
      throw new Error('once')
    })
    stream.add('s', 1)
    await functions.idle()
    expect(batches).toEqual([[1], [1]])
  })

  test('goes to the on-failure destination as metadata after its retries, and the shard continues', async () => {
    const messages: FailureMessage[] = []
    const onFailure = (message: FailureMessage) => messages.push(message)
    const { batches } = consume(failOn(1), { maximumRetryAttempts: 2, batchSize: 2, onFailure })
    stream.add('shardId-1', 1, 2, 3)
    await advance(60_000)
    expect(batches).toEqual([[1, 2], [1, 2], [1, 2], [3]])
    expect(messages).toEqual(functions.failures())
    expect(messages).toEqual([
      {
        version: '1.0',
        timestamp: expect.any(String),
        requestContext: {
          requestId: expect.any(String),
          functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:tableStream:$LATEST',
          condition: 'RetryAttemptsExhausted',
          approximateInvokeCount: 3,
        },
        responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
        DDBStreamBatchInfo: {
          shardId: 'shardId-1',
          startSequenceNumber: '100',
          endSequenceNumber: '101',
          approximateArrivalOfFirstRecord: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          approximateArrivalOfLastRecord: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          batchSize: 2,
          streamArn,
        },
      },
    ])
  })

  test('is dropped when its records are too old, and newer ones are not', async () => {
    const { batches } = consume(failOn(1), { maximumRecordAgeMs: 60_000 })
    stream.add('s', 1)
    await advance(55_000)
    stream.add('s', 2)
    await advance(60_000)
    expect(functions.failures()).toMatchObject([
      { requestContext: { condition: 'RecordAgeExceeded' }, DDBStreamBatchInfo: { batchSize: 1 } },
    ])
    expect(batches.at(-1)).toEqual([2])
  })

  test('is dropped after 24 h in any case', async () => {
    consume(failOn(1))
    stream.add('s', 1)
    await advance(25 * 3_600_000)
    expect(functions.failures()).toHaveLength(1)
  })

  test('is not charged for a throttle', async () => {
    let throttles = 0
    const { batches } = consume(() => {}, { maximumRetryAttempts: 0 })
    functions.hooks.invoke = () => {
      throttles += 1
      return throttles < 4 ? 'throttle' : 'pass'
    }
    stream.add('s', 1)
    await advance(60_000)
    expect(batches).toEqual([[1]])
    expect(functions.failures()).toEqual([])
  })

  test('fails by a timeout too', async () => {
    const { batches } = consume(() => {}, { maximumRetryAttempts: 0 })
    functions.hooks.invoke = ({ event }) => (JSON.stringify(event).includes('"n":1') ? 'hang' : 'pass')
    stream.add('s', 1)
    await functions.idle()
    stream.add('s', 2)
    await advance(60_000)
    expect(functions.failures()).toMatchObject([{ DDBStreamBatchInfo: { batchSize: 1 } }])
    expect(batches).toEqual([[2]])
  })
})

describe('bisecting', () => {
  test('isolates the failing record in order, without using a retry', async () => {
    const { batches } = consume(failOn(3), { bisect: true, maximumRetryAttempts: 1 })
    stream.add('s', 1, 2, 3, 4, 5)
    await advance(60_000)
    expect(batches).toEqual([[1, 2, 3, 4, 5], [1, 2, 3], [1, 2], [3], [3], [4, 5]])
    expect(functions.failures()).toMatchObject([
      { requestContext: { approximateInvokeCount: 2 }, DDBStreamBatchInfo: { batchSize: 1 } },
    ])
  })

  test('splits at the reported record', async () => {
    const mapping = { bisect: true, reportBatchItemFailures: true, maximumRetryAttempts: 1 }
    const { batches } = consume(reportFrom(3), mapping)
    stream.add('s', 1, 2, 3, 4, 5)
    await advance(60_000)
    expect(batches).toEqual([[1, 2, 3, 4, 5], [3, 4, 5], [3, 4], [3], [3], [4], [5]])
  })
})

describe('a partial failure', () => {
  test('retries the lowest reported record and all after it', async () => {
    let runs = 0
    const { batches } = consume(
      (_batch, records) => {
        runs += 1
        if (runs > 1) return {}
        const failed = [records[3], records[1]].map((record) => record?.dynamodb.SequenceNumber)
        return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
      },
      { reportBatchItemFailures: true },
    )
    stream.add('s', 1, 2, 3, 4)
    await advance(1_000)
    expect(batches).toEqual([
      [1, 2, 3, 4],
      [2, 3, 4],
    ])
  })

  test('that is malformed fails the whole batch', async () => {
    const answer = () => ({ batchItemFailures: [{ itemIdentifier: '' }] })
    const { batches } = consume(answer, { reportBatchItemFailures: true, maximumRetryAttempts: 1 })
    stream.add('s', 1, 2)
    await advance(1_000)
    expect(batches).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(functions.failures()).toMatchObject([{ DDBStreamBatchInfo: { batchSize: 2 } }])
    expect(functions.failures()[0]?.responseContext).not.toHaveProperty('functionError')
  })

  test('is ignored unless it is enabled', async () => {
    const { batches } = consume(reportFrom(1))
    stream.add('s', 1)
    await advance(1_000)
    expect(batches).toEqual([[1]])
  })
})
