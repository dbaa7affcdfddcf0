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
    expect(document).toBe(await withCosts(document))
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
