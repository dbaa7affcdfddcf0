import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import ts from 'typescript-6'
import { scanImports } from '../import-law/scan.ts'
import { repository } from '../repository.ts'

const sources = join(repository, 'packages/server/src')

/** The path of a source below `packages/server/src`. */
export type Source = string

/** All sources of the server, without tests. */
export const serverSources: readonly Source[] = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => path.endsWith('.ts') && !/\.(test|suite)\.ts$|^ports\/testing\//.test(path))

const texts = new Map<Source, string>()

export function textOf(source: Source): string {
  const text = texts.get(source) ?? readFileSync(join(sources, source), 'utf8')
  texts.set(source, text)
  return text
}

/** The sources that a source loads, without types. */
export function loadedBy(source: Source): readonly Source[] {
  const text = textOf(source)
  const own = scanImports(text).filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
  return own
    .filter(({ specifier }) => !importsTypesOnly(text, specifier))
    .map(({ specifier }) => posix.normalize(posix.join(posix.dirname(source), specifier)))
}

/** Whether it is `import { type A, type B } from '…'`, which loads nothing. */
function importsTypesOnly(text: string, specifier: string): boolean {
  const clauses = [...text.matchAll(/^import (\{[^}]*\}) from '([^']+)'/gm)].filter(([, , from]) => from === specifier)
  if (clauses.length === 0) return false
  return clauses.every(([, names = '']) =>
    names
      .slice(1, -1)
      .split(',')
      .every((name) => name.trim() === '' || name.trim().startsWith('type ')),
  )
}

/** The sources that code reaches from these, themselves included. */
export function reachedFrom(roots: readonly Source[]): ReadonlySet<Source> {
  const reached = new Set<Source>()
  const open = [...roots]
  for (let source = open.pop(); source !== undefined; source = open.pop()) {
    if (reached.has(source)) continue
    reached.add(source)
    open.push(...loadedBy(source))
  }
  return reached
}

/** The names of the SDK commands that each function of the folder `dynamodb` sends, itself or by what it calls. */
export function commandsByFunction(): ReadonlyMap<string, ReadonlySet<string>> {
  const mentions = new Map<string, Set<string>>()
  for (const source of serverSources.filter((path) => path.startsWith('dynamodb/')))
    for (const [name, names] of mentionsIn(textOf(source)))
      mentions.set(name, new Set([...(mentions.get(name) ?? []), ...names]))
  return new Map([...mentions.keys()].map((name) => [name, commandsOf(name, mentions)]))
}

function commandsOf(name: string, mentions: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const seen = new Set<string>()
  const commands = new Set<string>()
  const open = [name]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    for (const mentioned of mentions.get(next) ?? [])
      if (/^[A-Z]\w+Command$/.test(mentioned)) commands.add(mentioned)
      else open.push(mentioned)
  }
  return commands
}

/** The names that each function of a source text calls, and the SDK commands that it creates. */
function mentionsIn(text: string): ReadonlyMap<string, ReadonlySet<string>> {
  const file = ts.createSourceFile('source.ts', text, ts.ScriptTarget.ES2022)
  const found = new Map<string, Set<string>>()
  const visit = (node: ts.Node, owners: readonly string[]): void => {
    const name = nameOf(node)
    const inside = name === undefined ? owners : [...owners, name]
    const mentioned = mentionedBy(node)
    if (mentioned !== undefined)
      for (const owner of inside) found.set(owner, (found.get(owner) ?? new Set()).add(mentioned))
    ts.forEachChild(node, (child) => visit(child, inside))
  }
  visit(file, [])
  return found
}

/** The name of a function, of a method, or of a constant that holds a function. */
function nameOf(node: ts.Node): string | undefined {
  if (ts.isFunctionDeclaration(node)) return node.name?.text
  if ((ts.isMethodDeclaration(node) || ts.isPropertyAssignment(node)) && ts.isIdentifier(node.name))
    return node.name.text
  const holdsFunction =
    ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isArrowFunction(node.initializer)
  return holdsFunction && ts.isIdentifier(node.name) ? node.name.text : undefined
}

function mentionedBy(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return undefined
  const { expression } = node
  if (ts.isIdentifier(expression)) return expression.text
  if (!ts.isPropertyAccessExpression(expression)) return undefined
  const { name, expression: owner } = expression
  // `get` is a method of a Map, too
  if (name.text === 'get' && !(ts.isIdentifier(owner) && /^(?:reads|requests)$/.test(owner.text))) return undefined
  return name.text
}
