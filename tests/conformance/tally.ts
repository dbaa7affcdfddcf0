import type { Used } from './adapter.ts'
import { type LeftOut, leftOut } from './left-out.ts'

/** Counts what became of the tests of the suite. */
export interface Tally {
  /** A test passed whose reads used these encoders. */
  pass(used: ReadonlySet<Used>): void
  leaveOut(out: LeftOut): void
  readonly passed: Readonly<Record<Used | 'none', number>>
  readonly left: ReadonlyMap<string, number>
}

export function createTally(): Tally {
  const passed = { json: 0, bytes: 0, none: 0 }
  const left = new Map<string, number>()
  return {
    passed,
    left,
    pass(used) {
      passed[used.has('bytes') ? 'bytes' : used.has('json') ? 'json' : 'none'] += 1
    },
    leaveOut({ name }) {
      left.set(name, (left.get(name) ?? 0) + 1)
    },
  }
}

/** What the document says. A test that used both encoders counts for that of the adapter. */
export function sectionOf({ passed, left }: Tally): string {
  const rows = leftOut.map(({ name, reason }) => `| ${name} | ${left.get(name) ?? 'all of them'} | ${reason} |`)
  return [
    '| tests of the suite | passed |',
    '|---|--:|',
    `| that read through the JSON encoder that is shipped | ${passed.json} |`,
    `| that read with the adapter’s byte encoder | ${passed.bytes} |`,
    `| that read nothing, and so show the adapter alone | ${passed.none} |`,
    '',
    '| left out | tests | why |',
    '|---|--:|---|',
    ...rows,
  ].join('\n')
}
