import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterAll, describe, expect, it } from 'vitest'
import { bundleHandlers } from './bundle.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-bundle-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string) => join(folder, name)

describe('the bundle of the handlers', () => {
  const entry = file('functions.ts')
  writeFileSync(entry, "export const websocket = async () => (await import('./late.ts')).answer\n")
  writeFileSync(file('late.ts'), 'export const answer: number = 42\n')

  it('runs from its zip file, with what is imported later in a file of its own', async () => {
    const { zip } = bundleHandlers(entry)
    const files = Object.entries(unzipSync(zip))
    mkdirSync(file('unzipped'))
    for (const [name, contents] of files) writeFileSync(join(folder, 'unzipped', name), contents)
    expect(files.map(([name]) => name)).toEqual(expect.arrayContaining(['lambda.mjs', 'lambda.mjs.map']))
    const script = "import('./lambda.mjs').then(async ({ websocket }) => console.log(await websocket()))"
    expect(execFileSync(process.execPath, ['-e', script], { cwd: file('unzipped'), encoding: 'utf8' })).toBe('42\n')
  })

  it('has the same bytes and the same key each time, and another key for other code', async () => {
    const [first, second] = [bundleHandlers(entry), bundleHandlers(entry)]
    expect(second).toEqual(first)
    writeFileSync(file('late.ts'), 'export const answer: number = 43\n')
    expect(bundleHandlers(entry).key).not.toBe(first.key)
  })

  it('has the same key in each time zone, so that a laptop and a CI deploy the same version', () => {
    const before = process.env['TZ']
    const keyIn = (zone: string) => {
      process.env['TZ'] = zone
      return bundleHandlers(entry).key
    }
    const keys = ['UTC', 'America/New_York', 'Asia/Tokyo'].map(keyIn)
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
    expect(new Set(keys).size).toBe(1)
  })

  it('needs an entry that exists and compiles', () => {
    expect(() => bundleHandlers(file('absent.ts'))).toThrow('absent.ts does not exist')
    writeFileSync(file('broken.ts'), "import './nowhere.ts'\n")
    expect(() => bundleHandlers(file('broken.ts'))).toThrow('Could not resolve "./nowhere.ts"')
  })
})
