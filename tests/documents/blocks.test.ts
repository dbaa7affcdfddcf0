import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { blocksOf, type Page, printedBy, uses, writeBlocks } from './blocks.ts'

const made = join(uses, 'blocks')
afterAll(() => rmSync(made, { recursive: true, force: true }))

const page = (text: string, file = 'docs/guide/page.md'): Page => ({ file, path: `/${file}`, text })
const fence = (info: string, ...lines: readonly string[]) => `\`\`\`${info}\n${lines.join('\n')}\n\`\`\`\n`

describe('the blocks of a document', () => {
  it('are its fences of ts and tsx, with their line, their name and whether they run', () => {
    const text = `# Page\n${fence('ts', '// line.ts', 'a')}${fence('sh', 'b')}${fence('tsx run', 'c')}`
    expect(blocksOf(page(text))).toMatchObject([
      { line: 2, language: 'ts', runs: false, name: 'line.ts' },
      { line: 9, language: 'tsx', runs: true, name: undefined },
    ])
  })

  it('import the files of their own document first, and else those of tests/api/readme', () => {
    const own = fence('ts run', '// own.ts', 'export const a = 1')
    const user = fence('ts run', "import { a } from './own.ts'", "import { line } from './line.ts'")
    const [, recipe] = writeBlocks(made, blocksOf(page(own + user)))
    expect(readFileSync(recipe?.path ?? '', 'utf8')).toMatch(/from '\.\/own\.ts'\n.* from '\.\.\/\.\.\/line\.ts'/)
  })

  it('have one recipe for each name in a document', () => {
    const twice = fence('ts run', '// own.ts', 'export {}').repeat(2)
    expect(() => writeBlocks(made, blocksOf(page(twice)))).toThrow('expected one `own.ts` with run, found two')
  })

  it('say what they print in comments', () => {
    expect(printedBy('console.log(1) // prints 1\nconsole.log(2, 3) // prints 2 3\n')).toEqual(['1', '2 3'])
  })
})
