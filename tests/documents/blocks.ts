import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'
import { repository } from '../repository.ts'

/** The modules that a document's block imports by `./`, unless the document has a recipe's file of this name. */
export const uses = join(repository, 'tests/api/readme')

/** A document of the repository. `file` is its path from the root, with `/`. */
export interface Page {
  readonly file: string
  readonly path: string
  readonly text: string
}

/** A block of TypeScript in a document. */
export interface Block {
  readonly file: string
  /** The line of its fence. */
  readonly line: number
  readonly language: 'ts' | 'tsx'
  /** The fence says `run`: the block is part of a recipe. */
  readonly runs: boolean
  /** Its first line is `// name.ts`. */
  readonly name: string | undefined
  readonly code: string
}

/** A block of a recipe, and the file that holds it. */
export interface Recipe extends Block {
  readonly path: string
}

/** Every document that people write. The API reports and the reference of the site are generated. */
export function pages(folder = repository): readonly Page[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    const file = relative(repository, path).split(sep).join('/')
    if (entry.name.startsWith('.') || ['node_modules', 'dist', 'artefacts'].includes(entry.name)) return []
    if (entry.isDirectory()) return file === 'docs/reference/api' ? [] : pages(path)
    if (!entry.name.endsWith('.md') || entry.name.endsWith('.api.md')) return []
    return [{ file, path, text: readFileSync(path, 'utf8').replaceAll('\r\n', '\n') }]
  })
}

/** The blocks of one document whose fence says `ts` or `tsx`, with or without `run`. */
export function blocksOf({ file, text }: Page): readonly Block[] {
  return [...text.matchAll(/^```(ts|tsx)( run)?\n([\s\S]*?)^```/gm)].map((match) => {
    const [, language, runs, code = ''] = match
    return {
      file,
      line: text.slice(0, match.index).split('\n').length,
      language: language === 'tsx' ? 'tsx' : 'ts',
      runs: runs !== undefined,
      name: /^\/\/ ([\w./-]+\.tsx?)\n/.exec(code)?.[1],
      code,
    }
  })
}

/**
 * Writes blocks into `folder`, a folder below `uses`. Blocks with `run` of one document share a folder, and their
 * imports by `./` find its named files first. Throws if two of them have one name.
 */
export function writeBlocks(folder: string, blocks: readonly Block[]): readonly Recipe[] {
  const taken = new Set<string>()
  return blocks.map((block) => {
    const own = block.runs ? join(folder, block.file.replace(/\.md$/, '').replaceAll('/', '-')) : folder
    const name = block.runs && block.name !== undefined ? block.name : nameOf(block)
    const path = join(own, name)
    if (taken.has(path)) throw new Error(`${block.file}:${block.line}: expected one \`${name}\` with run, found two`)
    taken.add(path)
    const siblings = blocks.filter(({ file, runs }) => block.runs && runs && file === block.file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, moduleOf(block, relative(dirname(path), uses), new Set(siblings.map((one) => one.name))))
    return { ...block, path }
  })
}

/** What a block says that it prints, line by line: `console.log(text) // prints hello`. */
export function printedBy(code: string): readonly string[] {
  return [...code.matchAll(/\/\/ prints (.+)$/gm)].map(([, line = '']) => line)
}

function nameOf({ file, line, language }: Block): string {
  return `${file.replace(/\.md$/, '').replaceAll('/', '-')}-${line}.${language}`
}

/** The text of a module: its imports by `./` lead to `toUses` unless its document has the file. */
function moduleOf({ file, line, code }: Block, toUses: string, siblings: ReadonlySet<string | undefined>): string {
  const imports = code.replaceAll(/(from|import\() ?'\.\/([^']+)'/g, (all, _keyword, target) =>
    siblings.has(target) ? all : all.replace('./', `${posix.join(toUses.split(sep).join('/'))}/`),
  )
  return `// ${file}:${line}\n${imports}\nexport {}\n`
}
