import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as clientExports from './client-exports.ts'
import { runMutants } from './mutant-runs.ts'
import { mutants } from './mutants.ts'
import { moduleOf } from './mutate.ts'
import * as ports from './ports.ts'
import * as serverExports from './server-exports.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const replacements = { 'client-exports.ts': clientExports, 'server-exports.ts': serverExports }

describe('mutants', () => {
  it.each(mutants)('$name swaps texts that the product holds, and replaces exports that it has', ({ changes }) => {
    for (const change of changes) {
      if ('ports' in change) {
        expect(ports).toHaveProperty(change.ports)
        continue
      }
      const text = readFileSync(`${root}${change.file}`, 'utf8')
      if ('from' in change) {
        expect(text).toContain(change.from)
        expect(change.from).not.toBe(change.to)
      } else {
        expect(text).toMatch(new RegExp(`^export (async )?function ${change.export}\\b`, 'm'))
        expect(replacements[moduleOf(change)]).toHaveProperty(change.by)
      }
    }
  })

  it.each(['read-then-register', 'no-dedupe', 'stale-subscriber-index'])(
    '%s is killed by a few random schedules',
    async (only) => {
      const printed: string[] = []
      expect(await runMutants({ schedules: 60, seed: 1, only, print: (text) => void printed.push(text) })).toBe(0)
      expect(printed.join()).toContain(`killed   ${only}`)
    },
  )
})
