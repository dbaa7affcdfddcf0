import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runMutants } from './mutant-runs.ts'
import { mutants } from './mutants.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))

describe('mutants', () => {
  it.each(mutants)('$name swaps texts that the product holds', ({ swaps }) => {
    for (const { file, from, to } of swaps) {
      const text = readFileSync(`${root}${file}`, 'utf8')
      expect(text).toContain(from)
      expect(from).not.toBe(to)
    }
  })

  it.each(['read-then-register', 'no-dedupe'])(
    '%s is killed by a few random schedules',
    async (only) => {
      const said: string[] = []
      expect(await runMutants({ schedules: 60, seed: 1, only, say: (text) => void said.push(text) })).toBe(0)
      expect(said.join()).toContain(`killed   ${only}`)
    },
    60_000,
  )
})
