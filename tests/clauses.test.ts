import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { repository } from './repository.ts'

const document = readFileSync(join(repository, 'packages/protocol/PROTOCOL.md'), 'utf8')

/** The numbers of the rules, in the document's order: a rule is a list item that begins with its number. */
const clauses = [...document.matchAll(/^- `\[(TL-[A-Z]+-\d+)\]`/gm)].map(([, clause = '']) => clause)

interface Citation {
  readonly clause: string
  readonly file: string
}

const files = ['packages', 'tests', 'examples']
  .flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
      [folder, ...path.split(sep)].join('/'),
    ),
  )
  .filter((file) => /\.tsx?$/.test(file) && !/\/(node_modules|dist)\//.test(file) && file !== 'tests/clauses.test.ts')
const isTest = (file: string) => /\.(test|test-d|suite)\.tsx?$/.test(file) || file.startsWith('tests/')
const isSource = (file: string) => /^packages\/[^/]+\/src\//.test(file) && !isTest(file)

/** Every clause in brackets within `text`. */
function citationsIn(file: string, text: string): Citation[] {
  return [...text.matchAll(/\[(TL-[A-Z]+-\d+)\]/g)].map(([, clause = '']) => ({ clause, file }))
}

/** The titles of a test file: the first argument of `it`, `test` and `describe`, also after `.each(…)`. */
function titlesIn(text: string): string {
  const titles = text.matchAll(/(?:^|[\s.;])(?:it|test|describe)\b[\s\S]*?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g)
  const each = text.matchAll(/\)\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1\s*,/g)
  return [...titles, ...each].map(([, , title = '']) => title).join('\n')
}

const cite = (file: string, of: (text: string) => string) =>
  citationsIn(file, of(readFileSync(join(repository, file), 'utf8')))
const inSources = files.filter(isSource).flatMap((file) => cite(file, (text) => text))
const inTitles = files.filter(isTest).flatMap((file) => cite(file, titlesIn))
const anywhere = files.flatMap((file) => cite(file, (text) => text))

const missingFrom = (citations: readonly Citation[]) => {
  const cited = new Set(citations.map(({ clause }) => clause))
  return clauses.filter((clause) => !cited.has(clause))
}

describe('every rule of PROTOCOL.md', () => {
  it('has a number of its own, and no area has a hole', () => {
    const seen = new Map<string, number>()
    const expected = clauses.map((clause) => {
      const area = clause.replace(/\d+$/, '')
      const number = (seen.get(area) ?? 0) + 1
      seen.set(area, number)
      return `${area}${number}`
    })
    expect(clauses).toEqual(expected)
  })

  it('begins a list item where it is stated, and nothing else in the document is numbered', () => {
    const numbers = [...document.matchAll(/\[(TL-[A-Z]+-\d+)\]/g)].map(([, clause = '']) => clause)
    expect(numbers.filter((clause) => !clauses.includes(clause))).toEqual([])
    expect(new Set(numbers).size).toBe(clauses.length)
  })

  it('is cited by the code that enforces it', () => {
    expect(missingFrom(inSources)).toEqual([])
  })

  it('is cited by the title of a test', () => {
    expect(missingFrom(inTitles)).toEqual([])
  })

  it('is what a citation means: no code and no test cites a number that is not there', () => {
    const unknown = anywhere.filter(({ clause }) => !clauses.includes(clause))
    expect(unknown.map(({ clause, file }) => `${clause} in ${file}`)).toEqual([])
  })
})
