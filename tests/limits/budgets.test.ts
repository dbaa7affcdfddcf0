import { describe, expect, it } from 'vitest'
import { type OperationCount, type OperationName, operationCounts } from '../../packages/local/src/cost/counts.ts'

/** The counts are those of `npm run limits`, which limits.test.ts compares with a fresh count. */
const of = (name: OperationName): OperationCount => operationCounts[name]
const reads = (name: OperationName) => of(name).requests - of(name).writes

describe('the budget of requests to the table', () => {
  it('of a call without a key is none', () => {
    expect(of('call')).toMatchObject({ requests: 0, posts: 0, functions: 1 })
  })

  it('of a keyed call is two writes', () => {
    expect(of('keyedCall')).toMatchObject({ requests: 2, writes: 2 })
  })

  it('of a connect is one write, and two with a principal', () => {
    expect(of('connectAnonymous')).toMatchObject({ requests: 1, writes: 1 })
    expect(of('connect').writes).toBeLessThanOrEqual(2)
  })

  it('of a subscribe is two writes and two reads, and a write for what the connection has', () => {
    expect(of('subscribe').writes).toBeLessThanOrEqual(2 + 1)
    expect(reads('subscribe')).toBeLessThanOrEqual(2)
  })

  it('of a publish is a write, a receipt and a read, with the query of its delivery and the read of its receipt', () => {
    expect(of('publish0').writes).toBeLessThanOrEqual(1 + 1)
    expect(reads('publish0')).toBeLessThanOrEqual(1 + 1 + 1)
  })

  it('of a keyed publish is three writes more', () => {
    expect(of('publishKeyed').writes - of('publish0').writes).toBeLessThanOrEqual(3)
    expect(reads('publishKeyed')).toBe(reads('publish0'))
  })

  it('of a delivery does not grow with an audience of up to 100, and has a post for each subscriber', () => {
    for (const [name, subscribers] of [
      ['publish1', 1],
      ['publish2', 2],
      ['publish10', 10],
      ['publish100', 100],
    ] as const) {
      expect(of(name).requests).toBe(of('publish0').requests)
      expect(of(name).posts).toBe(subscribers)
    }
  })

  it('of a delivery to more than 100 is two writes and three reads more for the lease, and a page', () => {
    expect(of('publish110').writes - of('publish100').writes).toBe(2)
    expect(reads('publish110') - reads('publish100')).toBeLessThanOrEqual(3 + 1 + 1) // the page, and the job's slot
  })

  it('of a delivery to 10,000 is that of each of its two shards', () => {
    const lease = of('publish110').requests - of('publish100').requests
    expect(of('publish10000').requests).toBeLessThanOrEqual(of('publish100').requests + 2 * lease)
    expect(of('publish10000').messagesOut).toBe(10_000 + 1)
  })

  it('of a stock subscriber is two writes for a burst', () => {
    expect(of('publishStock').writes - of('publish1').writes).toBe(2)
  })

  it('of a publish to a partition is that to one log, and a read in each process and a write under a key more', () => {
    expect(of('partitionPublish')).toMatchObject(of('publish1'))
    expect(reads('partitionPublishFirst') - reads('publish1')).toBe(1)
    expect(of('partitionPublishFirst').writes).toBe(of('publish1').writes)
    expect(of('partitionPublishKeyed').writes - of('publishKeyed').writes).toBe(1)
    expect(reads('partitionPublishKeyed')).toBe(reads('publishKeyed'))
  })

  it('of a subscribe that merges 4 partitions is that of 4 and two reads, in 5 messages', () => {
    expect(of('partitionSubscribe').writes).toBe(4 * of('subscribe').writes)
    expect(reads('partitionSubscribe')).toBe(4 * reads('subscribe') + 2)
    expect(of('partitionSubscribe')).toMatchObject({ messagesIn: 5, messagesOut: 5, functions: 5 })
  })

  it('of a resume of 4 partitions is two writes and two reads of each, a write for the count and a read', () => {
    expect(of('partitionResume').writes).toBeLessThanOrEqual(4 * 2 + 1)
    expect(reads('partitionResume')).toBeLessThanOrEqual(4 * 2 + 1)
    expect(of('partitionResume').messagesIn).toBe(1)
  })

  it('of a keepalive of 4 partitions is that of one subscription and a read', () => {
    expect(of('partitionKeepalive').requests).toBe(of('keepalive').requests + 1)
  })

  it('of a growth is a read and a write for each added partition, a read at a sync, and the new subscribes', () => {
    const added = 2
    const others = of('publish0').writes + added * (of('subscribe').writes + 1) // a log without an event gets its epoch
    expect(of('partitionGrowth').writes - others).toBeLessThanOrEqual(added)
    const otherReads = reads('publish0') + reads('keepalive') + added * reads('subscribe')
    // of each added partition: its newest event, and when it was added
    expect(reads('partitionGrowth') - otherReads).toBeLessThanOrEqual(1 + 1 + 2 * added)
  })

  it('of a stop of 4 partitions is that of 4 subscriptions', () => {
    const { requests, writes, posts } = of('unsubscribe')
    expect(of('partitionUnsubscribe')).toMatchObject({ requests: 4 * requests, writes: 4 * writes, posts: 4 * posts })
  })

  it('of an auth with the same claims is one write', () => {
    expect(of('auth').writes).toBe(1)
  })

  it('of a stream of 50 batches is 54 writes and 55 posts, besides its call and its run', () => {
    const { streamStart, streamChunk } = operationCounts
    expect(streamChunk).toMatchObject({ writes: 1, posts: 1 })
    expect(streamStart.writes + 50 * streamChunk.writes).toBeLessThanOrEqual(54 + 3) // the run's places, begun and ended
    expect(streamStart.posts + 50 * streamChunk.posts).toBeLessThanOrEqual(55)
  })
})
