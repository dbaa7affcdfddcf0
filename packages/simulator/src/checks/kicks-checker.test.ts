import { describe, expect, test } from 'vitest'
import { createKernel } from '../kernel/kernel.ts'
import { createReport } from '../kernel/report.ts'
import type { Operation } from '../records/application.ts'
import { createKicks } from '../records/kicks.ts'

const minute = 60_000

/** Connects, lets an operation begin and resolve, and sends to the connection `lateMs` after that. */
async function sentAfter(
  kind: Operation['kind'],
  lateMs: number,
  { connectsBefore = true, isRecorded = true, banMs = minute } = {},
) {
  const kernel = createKernel({})
  const report = createReport()
  const kicks = createKicks({ kernel, report })
  if (connectsBefore) kicks.connected('c1=', 'ann')
  if (connectsBefore && isRecorded) kicks.recorded('c1=')
  await kernel.run(minute)
  const beganAt = kernel.now
  if (!connectsBefore) kicks.connected('c1=', 'ann')
  await kernel.run(100)
  kicks.recorded('c1=')
  kicks.resolved({ kind, principal: 'ann', until: kernel.now + banMs }, beganAt)
  await kernel.run(lateMs)
  kicks.connected('c2=', 'bob')
  for (const connectionId of ['c1=', 'c2=', 'unknown=']) kicks.sent(connectionId)
  return report.violations.map(({ rule }) => rule)
}

describe('H19', () => {
  test.each(['kick', 'ban', 'revoke'] as const)('is broken by what is sent later than 5 s after a %s', async (kind) => {
    expect(await sentAfter(kind, 5_000)).toEqual([])
    expect(await sentAfter(kind, 6_000)).toEqual(['H19'])
  })
  test('is not broken by a connection whose row was written after a kick began, though its handshake is older', async () => {
    expect(await sentAfter('kick', 6_000, { isRecorded: false })).toEqual([])
    expect(await sentAfter('revoke', 6_000, { isRecorded: false })).toEqual(['H19'])
  })
  test('is broken by a connection that was opened while its principal was banned, until the ban ends', async () => {
    const connectsBefore = false
    expect(await sentAfter('kick', 6_000, { connectsBefore })).toEqual([])
    expect(await sentAfter('ban', 6_000, { connectsBefore })).toEqual(['H19'])
    expect(await sentAfter('ban', 6_000, { connectsBefore, banMs: 6_000 })).toEqual([])
  })
})
