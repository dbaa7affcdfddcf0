import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { repository } from './repository.ts'

const entry = z.object({
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  inBundle: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
})
const schema = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), entry) })
type Packages = z.infer<typeof schema>['packages']

const { packages } = schema.parse(JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')))
const manifest = z
  .object({ allowScripts: z.record(z.string(), z.boolean()) })
  .parse(JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')))

/**
 * Optional packages that the lockfile names but does not contain. npm omits them without an error, and `npm ci` then
 * fails.
 */
function missingOptional(all: Packages): string[] {
  return Object.entries(all).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !foldersOf(path).some((folder) => Object.hasOwn(all, `${folder}node_modules/${name}`)))
      .map((name) => `${path} → ${name}`),
  )
}

/** The folders in which Node looks for the imports of a package at `path`: its own, then each folder above. */
function foldersOf(path: string): string[] {
  const parts = path === '' ? [] : path.split('/')
  return [...parts.keys(), parts.length].map((length) =>
    parts
      .slice(0, length)
      .map((part) => `${part}/`)
      .join(''),
  )
}

/**
 * Packages with a fixed source (git, a file, one registry) or without a hash. All others come from the registry of the
 * installer, and are checked by their hash. See .npmrc.
 */
function foreign(all: Packages): string[] {
  return Object.entries(all)
    .filter(([path, { link, inBundle }]) => path.includes('node_modules/') && link !== true && inBundle !== true)
    .filter(([, { resolved, integrity }]) => integrity === undefined || resolved !== undefined)
    .map(([path, { resolved }]) => `${path}: ${resolved}`)
}

describe('the lockfile', () => {
  it('has an entry for every optional package of every platform', () => {
    expect(missingOptional(packages)).toEqual([])
  })

  it('names a hash and no source for every package', () => {
    expect(foreign(packages)).toEqual([])
  })

  it('has no package with an install script that package.json does not deny by name', () => {
    const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true)
    const names = new Set(
      scripted.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)),
    )
    names.delete('fsevents') // npm builds nothing for it: the package has its binary
    expect([...names].filter((name) => manifest.allowScripts[name] !== false)).toEqual([])
  })
})

describe('the checks above', () => {
  const broken = (extra: Record<string, unknown>) => z.record(z.string(), entry).parse(extra)

  it('find a missing platform', () => {
    const all = broken({
      'node_modules/tool': { optionalDependencies: { 'tool-linux': '1', 'tool-darwin': '1' } },
      'node_modules/tool-linux': {},
    })
    expect(missingOptional(all)).toEqual(['node_modules/tool → tool-darwin'])
  })

  it('accept an optional package in the node_modules of the package that needs it', () => {
    const all = broken({
      'node_modules/tool': { optionalDependencies: { a: '1' } },
      'node_modules/tool/node_modules/a': {},
    })
    expect(missingOptional(all)).toEqual([])
  })

  it.each(['git+ssh://git@github.com/a/b.git', 'http://localhost:4873/a/-/a-1.0.0.tgz', 'file:../a'])(
    'find a package from %s',
    (resolved) => {
      expect(foreign(broken({ 'node_modules/a': { resolved, integrity: 'sha512-x' } }))).toHaveLength(1)
    },
  )

  it('find a package without a hash', () => {
    expect(foreign(broken({ 'node_modules/a': { resolved: 'https://packages.example/a-1.0.0.tgz' } }))).toHaveLength(1)
  })
})
