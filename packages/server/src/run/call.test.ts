import { initTRPC, lazy } from '@trpc/server'
import { describe, expect, test } from 'vitest'
import type { LineMeta } from '../define/identity.ts'
import { createTestLine } from '../lambda/test-line.suite.ts'

const t = initTRPC.meta<LineMeta>().create()
let runs = 0
const report = t.procedure.meta({ longRunning: true })
const reports = t.router({ make: report.mutation(() => ++runs), read: report.query(() => ++runs) })
const router = t.router({ reports, later: lazy(async () => ({ reports })) })

describe('a procedure that is marked longRunning', () => {
  test.each([
    ['mutation', 'reports.make'],
    ['query', 'reports.read'],
    ['mutation', 'later.make'],
    ['query', 'later.read'],
  ])('is refused with a typed error as the %s %s, and does not run', async (method, path) => {
    const client = await createTestLine({ router, onError: () => {} }).connect()
    expect(await client.send({ id: 1, method, params: { path } })).toMatchObject({
      id: 1,
      error: { data: { code: 'NOT_IMPLEMENTED' }, message: expect.stringContaining(`"${path}"`) },
    })
    expect(runs).toBe(0)
  })
})
