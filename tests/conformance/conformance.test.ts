import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runConformanceTests } from '@durable-streams/server-conformance-tests'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest'
import { repository } from '../repository.ts'
import { startAdapter } from './adapter.ts'
import { leftOut } from './left-out.ts'
import { createTally, sectionOf } from './tally.ts'

// The suite waits as a reader does. Long-polls of the adapter last 1 s.
const config = { baseUrl: '', longPollTimeoutMs: 5_000 }
const tally = createTally()
let adapter: Awaited<ReturnType<typeof startAdapter>>

beforeAll(async () => {
  adapter = await startAdapter()
  config.baseUrl = adapter.url
})
afterAll(() => adapter.close())

const suiteName = 'The conformance suite of Durable Streams'

/** The names of the groups of a test and its own, without that of this file's group. */
function nameOf({ task }: TestContext): string {
  const names = [task.name]
  for (let suite = task.suite; suite !== undefined && suite.name !== suiteName; suite = suite.suite)
    names.unshift(suite.name)
  return names.join(' > ')
}

describe(suiteName, () => {
  beforeEach((context) => {
    const out = leftOut.find(({ pattern }) => pattern.test(nameOf(context)))
    if (out === undefined) return void adapter.takeUsed()
    tally.leaveOut(out)
    context.skip(out.reason)
  })
  afterEach((context) => {
    const used = adapter.takeUsed()
    context.onTestFinished(({ task }) => {
      if (task.result?.state === 'pass') tally.pass(used)
    })
  })
  runConformanceTests(config)
})

describe('What the suite shows', () => {
  test('is what docs/design/evidence.md says, with each group of tests that is left out', async () => {
    const document = await readFile(join(repository, 'docs/design/evidence.md'), 'utf8')
    const section = sectionOf(tally)
    console.log(section)
    expect(document.includes(section), 'The document differs: put what was printed into it.').toBe(true)
  })
})
