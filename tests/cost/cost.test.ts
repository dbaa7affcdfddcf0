import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { repository } from '../repository.ts'
import { withCosts } from './document.ts'

describe('docs/reference/cost.md', () => {
  it('has what `trunkline cost` prints', async () => {
    const document = readFileSync(join(repository, 'docs/reference/cost.md'), 'utf8')
    expect(document).toBe(withCosts(document))
  })

  it('has the prices of a client in docs/guide/choosing.md', () => {
    const document = (name: string) => readFileSync(join(repository, 'docs', name), 'utf8')
    const costs = document('reference/cost.md')
    const cell = (row: string, column = 1) =>
      costs
        .match(new RegExp(`^\\| ${row} \\|.*$`, 'm'))?.[0]
        .split('|')
        [column + 1]?.trim()
    const choosing = document('guide/choosing.md')
    expect(choosing).toContain(`share a socket | ${cell('a client that is always on, for a month')}: `)
    for (const row of ['the same over HTTP, polled each second', 'the same over HTTP, polled each 15 s'])
      expect(choosing).toContain(`${cell(row)} ${row.replace('the same over HTTP, ', '')}`)
  })

  it('says so where no price was found', () => {
    const document = readFileSync(join(repository, 'docs/reference/cost.md'), 'utf8')
    expect(document).toMatch(/Ably monthly active users .* \| not found \|/)
  })
})

describe('npm run cost', () => {
  it('leaves a document that is current unchanged', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(repository, 'scripts/cost.mjs')])
    expect(stdout).toBe('docs/reference/cost.md is unchanged\n')
  })
})
