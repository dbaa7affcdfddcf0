import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import * as z from 'zod'
import { repository } from './repository.ts'

const copy = mkdtempSync(join(tmpdir(), 'trunkline-releasing-'))
afterAll(() => rmSync(copy, { recursive: true, force: true }))

const manifest = z.looseObject({
  name: z.string(),
  version: z.string(),
  private: z.boolean().default(false),
  dependencies: z.record(z.string(), z.string()).default({}),
})

function manifestsOf(root: string) {
  const folders = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
  return folders.map((folder) => manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))))
}

/** A copy of the workspace's manifests, in which a release can be tried. */
function copyManifests(): void {
  const folders = ['packages', 'examples', 'benchmarks'].flatMap(
    (kind) =>
      readdirSync(join(repository, kind), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => join(kind, name))
        .filter((folder) => existsSync(join(repository, folder, 'package.json'))), // an example may be a script alone
  )
  for (const folder of ['.', ...folders]) {
    mkdirSync(join(copy, folder), { recursive: true })
    cpSync(join(repository, folder, 'package.json'), join(copy, folder, 'package.json'))
  }
  cpSync(join(repository, '.changeset/config.json'), join(copy, '.changeset/config.json'))
}

it('a release raises all published packages and their dependencies on each other to one version', () => {
  copyManifests()
  writeFileSync(join(copy, '.changeset/one.md'), '---\n"@trunkline/client": minor\n---\n\nSomething new.\n')
  execFileSync(process.execPath, [join(repository, 'node_modules/@changesets/cli/bin.js'), 'version'], { cwd: copy })
  const before = manifestsOf(repository).filter((each) => !each.private)
  const after = manifestsOf(copy).filter((each) => !each.private)
  expect(before).toHaveLength(8)
  expect(new Set(before.map(({ version }) => version)).size).toBe(1)
  const [major, minor] = (before[0]?.version ?? '').split('.').map(Number)
  const next = `${major}.${(minor ?? 0) + 1}.0`
  expect(after.map(({ version }) => version)).toEqual(before.map(() => next))
  const asked = after.flatMap(({ dependencies }) => Object.entries(dependencies))
  const siblings = asked.filter(([name]) => name.startsWith('@trunkline/')).map(([, range]) => range)
  expect(siblings.length).toBeGreaterThan(3)
  expect(new Set(siblings)).toEqual(new Set([next]))
})
