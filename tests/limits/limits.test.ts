import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clientFrame } from '@trunkline/protocol/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repository } from '../repository.ts'
import { generate, replaceParts, toModule } from './document.ts'
import { slowOperations } from './operations.ts'
import { tables } from './rows.ts'
import { createWorld, type World } from './world.ts'

const slowMachineMs = 600_000 // alone it takes half a minute

/** The methods of the frames that a client may send. */
const methods = clientFrame._zod.def.options.flatMap((option): readonly string[] => {
  const { method } = option._zod.def.shape
  return method._zod.def.type === 'enum' ? Object.values(method._zod.def.entries) : [...method._zod.def.values]
})

/** `npm run test:long` counts the slow operations too. */
const kept = process.env['TRUNKLINE_LIMITS'] === 'all' ? new Set<string>() : slowOperations

describe('docs/reference/limits.md', () => {
  it('and the counts of operations are what `npm run limits` writes', { timeout: slowMachineMs }, async () => {
    const document = readFileSync(join(repository, 'docs/reference/limits.md'), 'utf8')
    const { parts, counts } = await generate({ kept })
    expect(document).toBe(replaceParts(document, parts))
    expect(readFileSync(join(repository, 'packages/local/src/cost/counts.ts'), 'utf8')).toBe(toModule(counts))
  })

  it('has a row for each frame of the protocol', () => {
    const counted = new Set(
      Object.values(tables)
        .flat()
        .map(({ method }) => method),
    )
    expect(methods.length).toBeGreaterThan(9)
    expect(methods.filter((method) => !counted.has(method))).toEqual([])
  })

  it('needs its markers', () => {
    expect(() => replaceParts('# Limits', { counts: '', limits: '', operations: '' })).toThrow(
      'Expected <!-- counts: npm run limits -->',
    )
  })
})

describe('an array of 100 hostile frames', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  }, slowMachineMs)
  afterAll(() => world.close())

  it.each(methods)('of %s makes no request to the table and starts no function', async (method) => {
    const connection = await world.connect()
    const frames = Array.from({ length: 100 }, (_, id) => ({
      id,
      method,
      params: { path: id, ref: 'x', key: id },
      data: id,
    }))
    const malformed = method === 'hello' ? frames.map((frame) => ({ ...frame, id: {} })) : frames
    const cost = await world.measure(() => world.send(connection, malformed))
    expect(cost).toMatchObject({ requests: 0, readUnits: 0, writeUnits: 0, functions: 1 })
    expect(cost.posts).toBeLessThanOrEqual(1)
  })
})
