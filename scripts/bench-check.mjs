/**
 * `npm run bench:check`: compares five stable rows with the results that are committed in `benchmarks/RESULTS.md`: a
 * call, a batch, a post, a client's event, and the bytes of the client. A row fails when its ratio to the control of
 * the same run, or its bytes, is more than 25 % worse in three runs out of three. A run in which no row is worse ends it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkNode, main, output, root, StepFailure, say } from './steps.mjs'

const tolerance = 1.25
const maxRuns = 3
const secondsOfARow = '1'

/** The stable rows by the name that the benchmark prints. */
const ratioRows = [
  'a query: the `$default` handler',
  'a batch of 10 queries: the `$default` handler',
  'one post',
  'an event in the client',
]
const sizeRow = 'total'

/**
 * @typedef {{ readonly name: string, readonly unit: '×' | 'KB', readonly committed: number, readonly measured: number }}
 * Compared
 */

await main(async () => {
  checkNode()
  const committed = readRows(readFileSync(join(root, 'benchmarks/RESULTS.md'), 'utf8'))
  let worse = [...ratioRows, sizeRow]
  for (let attempt = 1; attempt <= maxRuns && worse.length > 0; attempt++) {
    const compared = compare(committed, readRows(await measure()))
    for (const row of compared) say(`run ${attempt}: ${describe(row)}`)
    const nowWorse = compared.filter(isWorse).map(({ name }) => name)
    worse = worse.filter((name) => nowWorse.includes(name))
  }
  if (worse.length > 0)
    throw new StepFailure(
      `Expected at most ${tolerance} times the committed result; ${worse.join(', ')} was worse in ${maxRuns} runs. Make it faster, or commit a new result by \`npm run bench -- --only frame,size\` and say why.`,
    )
  return 0
})

async function measure() {
  const frame = await output(['scripts/benchmark.mjs', 'frame', '--seconds', secondsOfARow])
  return `${frame}\n${await output(['scripts/size.mjs'])}`
}

/**
 * The numbers of the rows of `npm run benchmark:frame` and the total of `npm run size`, by their names.
 * @param {string} text
 * @returns {ReadonlyMap<string, number>}
 */
function readRows(text) {
  const ratios = [...text.matchAll(/^\| (?<name>[^|]+?) \| [\d.]+ \| (?<value>[\d.]+) × \|$/gm)]
  const sizes = [...text.matchAll(/^(?<name>total) +(?<value>[\d.]+) KB gzip$/gm)]
  return new Map([...ratios, ...sizes].map(({ groups }) => [groups?.name ?? '', Number(groups?.value)]))
}

/**
 * @param {ReadonlyMap<string, number>} committed
 * @param {ReadonlyMap<string, number>} measured
 * @returns {Compared[]}
 */
function compare(committed, measured) {
  return [...ratioRows, sizeRow].map((name) => ({
    name,
    unit: name === sizeRow ? 'KB' : '×',
    committed: required(committed, name, 'benchmarks/RESULTS.md'),
    measured: required(measured, name, 'the output of the benchmark'),
  }))
}

/**
 * @param {ReadonlyMap<string, number>} rows
 * @param {string} name
 * @param {string} source
 */
function required(rows, name, source) {
  const value = rows.get(name)
  if (value === undefined) throw new StepFailure(`Expected a row "${name}" in ${source}, found none.`)
  return value
}

/** @param {Compared} row */
function isWorse({ committed, measured }) {
  return measured > committed * tolerance
}

/** @param {Compared} row */
function describe({ name, unit, committed, measured }) {
  return `${name}: ${measured.toFixed(2)} ${unit}, ${committed.toFixed(2)} ${unit} committed`
}
