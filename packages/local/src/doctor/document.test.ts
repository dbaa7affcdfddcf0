import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checks, factChecks, selectChecks, slowFactChecks } from './checks/checks.ts'
import type { Check } from './context/check.ts'

const document = readFileSync(join(import.meta.dirname, '../../../../docs/guide/doctor.md'), 'utf8')

/** The rows of the tables below a heading of the document. */
function rowsUnder(heading: string): readonly string[] {
  const section = document.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return section.split('\n').filter((line) => line.startsWith('| `'))
}

/** The checks of roles differ by the name of the function alone, and are one row. */
function rowOf({ id, title, calls, cost, remedy }: Check): string {
  const [, name] = /^iam-(\w+)$/.exec(id) ?? []
  const of = (text: string) => (name === undefined ? text : text.replace(name, '`<function>`'))
  return `| \`${name === undefined ? id : 'iam-<function>'}\` | ${of(title)} | ${calls} | ${cost} | ${remedy} |`
}

const rowsOf = (list: readonly Check[]) => [...new Set(list.map(rowOf))]

it('the guide lists each check with what it calls, its cost and its remedy', () => {
  expect(rowsUnder('Checks')).toEqual(rowsOf(checks))
})

it('the guide lists each probe of what AWS does not document', () => {
  const short = ({ id, title, calls }: Check) => `| \`${id}\` | ${title} | ${calls} |`
  expect(rowsUnder('Facts')).toEqual([...factChecks, ...slowFactChecks].map(short))
})

it('each check has an id of its own, and needs only checks before it', () => {
  const all = [...checks, ...factChecks, ...slowFactChecks]
  const ids = all.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const [index, { id, needs = [] }] of all.entries())
    expect([id, needs.filter((needed) => !ids.slice(0, index).includes(needed))]).toEqual([id, []])
})

it('a selection has the checks that it needs, and an unknown one is named with those that exist', () => {
  expect(selectChecks(checks, ['filter']).map(({ id }) => id)).toEqual(['table', 'stream', 'filter'])
  expect(() => selectChecks(checks, ['pings'])).toThrow(/^Expected --only to name checks, got pings\. .*ping/)
})
