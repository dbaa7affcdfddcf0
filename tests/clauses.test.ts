import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { repository } from './repository.ts'

const document = readFileSync(join(repository, 'packages/protocol/PROTOCOL.md'), 'utf8')
const lawsPage = readFileSync(join(repository, 'docs/design/laws.md'), 'utf8')
const proofsPage = readFileSync(join(repository, 'docs/design/proofs.md'), 'utf8')

/** The numbers of the rules, in the order of the document. A rule is a list item that begins with its number. */
const clauses = [...document.matchAll(/^- `\[(TL-[A-Z]+-\d+)\]`/gm)].map(([, clause = '']) => clause)

/** The ids of the laws and of the proofs: each is the heading of a section. */
const laws = headingsOf(lawsPage, 'LAW')
const proofs = headingsOf(proofsPage, 'PROOF')

function headingsOf(page: string, kind: 'LAW' | 'PROOF'): string[] {
  const headings = page.matchAll(new RegExp(`^## \\[(${kind}-[A-Z-]+)\\]$`, 'gm'))
  return [...headings].map(([, id = '']) => id)
}

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
const isTest = (file: string) =>
  /\.(test|test-d|suite)\.tsx?$|\/ports\/testing\//.test(file) || file.startsWith('tests/')
const isSource = (file: string) => /^packages\/[^/]+\/src\//.test(file) && !isTest(file)

/** Every clause, law and proof in brackets within `text`. */
function citationsIn(file: string, text: string): Citation[] {
  const ids = text.matchAll(/\[(TL-[A-Z]+-\d+|(?:LAW|PROOF)-[A-Z-]+)\]/g)
  return [...ids].map(([, clause = '']) => ({ clause, file }))
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
const inTests = files
  .filter((file) => isTest(file) && file.startsWith('packages/'))
  .flatMap((file) => cite(file, (text) => text))
const anywhere = files.flatMap((file) => cite(file, (text) => text))

const missingFrom = (citations: readonly Citation[], ids: readonly string[] = clauses) => {
  const cited = new Set(citations.map(({ clause }) => clause))
  return ids.filter((id) => !cited.has(id))
}

/** Citations of this kind of id that do not exist. */
const unknownOf = (kind: 'TL' | 'LAW' | 'PROOF', ids: readonly string[]) =>
  anywhere
    .filter(({ clause }) => clause.startsWith(`${kind}-`) && !ids.includes(clause))
    .map(({ clause, file }) => `${clause} in ${file}`)

describe('every rule of PROTOCOL.md', () => {
  it('has a unique number, and the numbers of an area have no holes', () => {
    const seen = new Map<string, number>()
    const expected = clauses.map((clause) => {
      const area = clause.replace(/\d+$/, '')
      const number = (seen.get(area) ?? 0) + 1
      seen.set(area, number)
      return `${area}${number}`
    })
    expect(clauses).toEqual(expected)
  })

  it('is a list item that begins with the number, and no other text in the document does', () => {
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

  it('exists if code or a test cites it', () => {
    expect(unknownOf('TL', clauses)).toEqual([])
  })
})

describe('every law of docs/design/laws.md', () => {
  it('has a unique id', () => {
    expect(laws.length).toBeGreaterThan(10)
    expect(new Set(laws).size).toBe(laws.length)
  })

  it('is cited by the code that enforces it', () => {
    expect(missingFrom(inSources, laws)).toEqual([])
  })

  it('is cited by a test', () => {
    expect(missingFrom(inTests, laws)).toEqual([])
  })

  it('exists if code or a test cites it', () => {
    expect(unknownOf('LAW', laws)).toEqual([])
  })

  it('links to an existing proof, and each proof names its law', () => {
    const linked = [...lawsPage.matchAll(/proofs\.md#([a-z-]+)/g)].map(([, anchor = '']) => anchor.toUpperCase())
    const answered = [...proofsPage.matchAll(/laws\.md#([a-z-]+)/g)].map(([, anchor = '']) => anchor.toUpperCase())
    expect(linked.filter((id) => !proofs.includes(id))).toEqual([])
    expect(answered.filter((id) => !laws.includes(id))).toEqual([])
    const sections = lawsPage.split(/^## /m).slice(1)
    expect(
      sections.filter((section) => !section.includes('proofs.md#')).map((section) => section.split('\n')[0]),
    ).toEqual([])
    expect(unknownOf('PROOF', proofs)).toEqual([])
  })
})
