import { describe, expect, test } from 'vitest'
import { memoryMb, toCost, toGbSeconds, toMessages, type Usage } from './prices.ts'

const none: Usage = { messages: 0, connectionMinutes: 0, requests: 0, gbSeconds: 0, readUnits: 0, writeUnits: 0 }

describe('the cost', () => {
  test.each([
    // https://aws.amazon.com/api-gateway/pricing/: $1.00 for a million messages, $0.25 for a million connection minutes
    ['a million messages', { messages: 1_000_000 }, 1],
    ['a connection that is open for 30 days', { connectionMinutes: 43_200 }, 0.0108],
    // Lambda on arm64: $0.20 for a million requests, $0.0000133334 for a GB-second
    ['a million requests', { requests: 1_000_000 }, 0.2],
    ['a million runs of 10 ms at 512 MB', { gbSeconds: 5_000 }, 0.066667],
    // DynamoDB on demand since November 2024: $0.125 for a million read units, $0.625 for a million write units
    ['a million strong reads of 4 KB', { readUnits: 1_000_000 }, 0.125],
    ['a million writes of 1 KB', { writeUnits: 1_000_000 }, 0.625],
  ])('of %s is that of the price list', (_, used: Partial<Usage>, usd) => {
    const cost = toCost({ ...none, ...used }, none)
    expect(cost.usd).toBeCloseTo(usd, 6)
    expect(cost.usdPerHour).toBe(0)
  })

  test('of an hour uses the current rate', () => {
    const cost = toCost(none, { ...none, messages: 3_600_000, requests: 1_000_000 })
    expect(cost.usdPerHour).toBeCloseTo(3.8, 9)
    expect(cost.usd).toBe(0)
  })

  test('names the source of each price', () => {
    for (const { source } of toCost(none, none).lines) expect(source).not.toBe('')
  })
})

describe('the steps of billing', () => {
  test.each([
    [0, 1],
    [1, 1],
    [32_768, 1],
    [32_769, 2],
    [131_072, 4],
  ])('make a message of %i bytes %i', (bytes, messages) => expect(toMessages(bytes)).toBe(messages))

  test.each([
    [0, 0.0005],
    [0.2, 0.0005],
    [1_000, 0.5],
  ])(`make a run of %d ms %d GB-seconds at ${memoryMb} MB`, (ms, gb) => expect(toGbSeconds(ms)).toBeCloseTo(gb, 9))
})
