import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { initTRPC } from '@trpc/server'
import { createLine } from '@trunkline/server'
import { createLambdaHandlers } from '@trunkline/server/lambda'
import { memoryBackend } from '@trunkline/server/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { repository } from './repository.ts'

const document = readFileSync(join(repository, 'SECURITY.md'), 'utf8')

interface Threat {
  readonly id: string
  readonly tests: readonly { readonly file: string; readonly title: string }[]
}

/** The rows of the tables: an id, the threat, what holds it, and the tests. */
const threats: readonly Threat[] = [...document.matchAll(/^\| (SEC-[A-Z-]+) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
  ([, id = '', , , cell = '']) => ({
    id,
    tests: [...cell.matchAll(/`([^`]+\.(?:test|suite)\.ts)`: “(.+?)”/g)].map(([, file = '', title = '']) => ({
      file,
      title,
    })),
  }),
)

/** The titles of a test file as it writes them, also after `.each(…)`. */
function titlesOf(file: string): ReadonlySet<string> {
  const text = readFileSync(join(repository, file), 'utf8')
  const title = String.raw`\(\s*(['"\`])((?:\\.|(?!\1)[^\\])*)\1`
  const plain = text.matchAll(new RegExp(String.raw`\b(?:it|test)${title}`, 'g'))
  const each = text.matchAll(new RegExp(String.raw`\)${title}\s*,`, 'g'))
  return new Set([...plain, ...each].map(([, , found = '']) => found))
}

describe('SECURITY.md', () => {
  it('has an id of its own for each threat', () => {
    expect(threats.length).toBeGreaterThan(30)
    expect(new Set(threats.map(({ id }) => id)).size).toBe(threats.length)
    expect(document.match(/^\| SEC-/gm)).toHaveLength(threats.length)
  })

  it('names a test for each threat', () => {
    expect(threats.filter(({ tests }) => tests.length === 0).map(({ id }) => id)).toEqual([])
  })

  it('names only tests that exist, by file and title', () => {
    const missing = threats.flatMap(({ id, tests }) =>
      tests
        .filter(({ file, title }) => !existsSync(join(repository, file)) || !titlesOf(file).has(title))
        .map(({ file, title }) => `${id}: ${file}: ${title}`),
    )
    expect(missing).toEqual([])
  })

  it('is where this test would find a title that is missing', () => {
    expect(titlesOf('tests/security.test.ts')).toContain('names a test for each threat')
    expect(titlesOf('tests/security.test.ts')).not.toContain('names a test for each thread')
  })
})

describe('a log line', () => {
  const t = initTRPC.create()
  const router = t.router({ pay: t.procedure.mutation(() => 'paid') })
  const { authorizer, websocket } = createLambdaHandlers({ router, line: createLine({ backend: memoryBackend() }) })
  const requestContext = { connectionId: 'c1=', connectedAt: Date.now(), identity: { sourceIp: '192.0.2.1' } }
  const lambdaContext = { getRemainingTimeInMillis: () => 28_000 }
  afterEach(() => void vi.restoreAllMocks())

  it('is one line of JSON, whatever a client sends', async () => {
    const written: string[] = []
    for (const name of ['warn', 'error', 'log'] as const)
      vi.spyOn(console, name).mockImplementation((text: string) => void written.push(text))
    const Origin = 'https://evil.example\n{"level":"ERROR","message":"forged"}\r\u2028\u001b[2J'
    const handshake = { ...requestContext, eventType: 'CONNECT', routeKey: '$connect' }
    await authorizer(
      { type: 'REQUEST', methodArn: 'arn:x', headers: { Origin }, requestContext: handshake },
      lambdaContext,
    )
    expect(written).toHaveLength(1)
    for (const unit of ['\n', '\r', '\u001b']) expect(written[0]).not.toContain(unit)
    expect(JSON.parse(written[0] ?? '')).toMatchObject({ level: 'WARN', origin: Origin })
  })

  it('is not written for a mutation that is sent again without a key', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    const caller = { session: 'session-1-0123456789', principal: null, extensions: true, expectsParams: false }
    const body = JSON.stringify({ id: 1, method: 'mutation', params: { path: 'pay', resend: true } })
    const context = { ...requestContext, authorizer: { trunkline: JSON.stringify(caller) } }
    const event = { requestContext: { ...context, eventType: 'MESSAGE', routeKey: '$default' }, body }
    const answer = (await websocket(event, lambdaContext)) as { readonly body: string }
    expect(JSON.parse(answer.body)).toMatchObject({ line: { code: 'OUTCOME_UNKNOWN' } })
    expect(error).not.toHaveBeenCalled()
  })
})

describe('every copy of the WebSocket library', () => {
  it('is a version of ws without the known faults', () => {
    const lock = z
      .object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) })
      .parse(JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')))
    const versions = Object.entries(lock.packages).flatMap(([path, { version }]) =>
      /(?:^|\/)node_modules\/ws$/.test(path) ? [version ?? ''] : [],
    )
    expect(versions.length).toBeGreaterThan(0)
    for (const version of versions) {
      const [major = 0, minor = 0] = version.split('.').map(Number)
      expect([version, major > 8 || (major === 8 && minor >= 21)]).toEqual([version, true])
    }
  })
})
