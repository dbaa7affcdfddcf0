import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript-6' // 7 has no JavaScript API
import { describe, expect, it } from 'vitest'
import { repository } from './repository.ts'

/** The source file of each entry point of a package, by the entry point's name in `exports`. */
function entriesOf(name: string): ReadonlyMap<string, string> {
  const folder = join(repository, 'packages', name)
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | { readonly 'trunkline-source'?: string }>>
  }
  const sources = Object.entries(exports).flatMap(([entry, target]) => {
    const source = typeof target === 'string' ? undefined : target['trunkline-source']
    return source === undefined ? [] : [[entry, join(folder, source)] as const]
  })
  return new Map(sources)
}

/** The names that a file exports, types and the names of `export *` included. */
function exportsOf(path: string, text = readFileSync(path, 'utf8')): readonly string[] {
  const { statements } = ts.createSourceFile(path, text, ts.ScriptTarget.Latest)
  return statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) return exportedBy(path, statement)
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined
    if (modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) !== true) return []
    return ts.isVariableStatement(statement) ? statement.declarationList.declarations.map(nameOf) : [nameOf(statement)]
  })
}

function exportedBy(path: string, { exportClause, moduleSpecifier }: ts.ExportDeclaration): readonly string[] {
  if (exportClause !== undefined && ts.isNamedExports(exportClause))
    return exportClause.elements.map(({ name }) => name.text)
  if (exportClause !== undefined) return [exportClause.name.text]
  return exportsOf(join(dirname(path), (moduleSpecifier as ts.StringLiteral).text)) // `export *` has a specifier
}

function nameOf(declared: ts.Node): string {
  const { name } = declared as { readonly name?: ts.Identifier }
  return name?.text ?? 'default'
}

/** Each name that more than one of the entry points exports, with these entry points. */
function namesOfTwoEntries(entries: ReadonlyMap<string, string>): readonly string[] {
  const doors = new Map<string, string[]>()
  for (const [entry, source] of entries)
    for (const name of exportsOf(source)) doors.set(name, [...(doors.get(name) ?? []), entry])
  return [...doors].flatMap(([name, found]) => (found.length > 1 ? [`${name}: ${found.join(' ')}`] : []))
}

describe('the entry points of the packages', () => {
  it.each(['protocol', 'server', 'client', 'deploy', 'serverless', 'cdk', 'local', 'create-trunkline'])(
    'export each name of %s once',
    (name) => {
      const entries = entriesOf(name)
      expect(entries.size).toBeGreaterThan(0)
      expect(namesOfTwoEntries(entries)).toEqual([])
    },
  )

  it('of the server are in this order in its manifest', () => {
    expect([...entriesOf('server').keys()]).toEqual([
      '.',
      './lambda',
      './aws',
      './memory',
      './apigateway',
      './dynamodb',
      './powertools',
      './erase',
      './jwt',
      './tickets',
      './ports',
      './ports/testing',
      './internal',
    ])
  })

  it('of the server export internals from ./internal only, which says that no version keeps them', () => {
    const internal = entriesOf('server').get('./internal') ?? ''
    expect(exportsOf(internal)).toEqual(expect.arrayContaining(['internalsOf', 'applicationOf', 'runWithBackend']))
    expect(readFileSync(internal, 'utf8')).toMatch(/^\/\*\*\n \* Internal: .* not part of the public interface/)
  })

  it('are read with every form of an export', () => {
    const text = [
      'export const a = 1, b = 2',
      'export function c() {}',
      'export interface D {}',
      'export type E = string',
      "export { f, g as h, type I } from './other.ts'",
      "export * as j from './other.ts'",
      'export default class K {}',
      'const hidden = 1',
    ].join('\n')
    expect(exportsOf('file.ts', text)).toEqual(['a', 'b', 'c', 'D', 'E', 'f', 'h', 'I', 'j', 'K'])
  })
})
