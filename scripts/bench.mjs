/**
 * `npm run bench`: runs every benchmark, each alone, and writes what they print between the markers of
 * `benchmarks/RESULTS.md`. `-- --only frame,latency` runs these and leaves the other results as they are.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findNode } from './counts.mjs'
import { checkNode, main, output, root, StepFailure, say } from './steps.mjs'

const file = join(root, 'benchmarks/RESULTS.md')

/** Programs by the name of their section. Each prints Markdown or lines of text. */
const benchmarks = {
  frame: ['scripts/benchmark.mjs', 'frame', '--seconds', '5'],
  latency: ['scripts/benchmark.mjs', 'latency'],
  delivery: ['scripts/benchmark.mjs', 'delivery'],
  'fan-out': ['scripts/benchmark.mjs', 'fan-out'],
  'hot-topic': ['scripts/benchmark.mjs', 'hot-topic'],
  inspector: ['scripts/benchmark.mjs', 'inspector'],
  'cold-start': ['scripts/benchmark.mjs', 'cold-start', '--runs', '15'],
  size: ['scripts/size.mjs'],
  simulator: ['scripts/simulate.mjs', '--schedules', '2000', '--seed', '1'],
}

await main(async () => {
  checkNode()
  const { values } = parseArgs({ options: { only: { type: 'string' } } })
  const names = Object.keys(benchmarks)
  const chosen = values.only?.split(',') ?? names
  const unknown = chosen.filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw new StepFailure(`Expected --only to be of ${names.join(', ')}; got ${unknown.join(', ')}.`)
  for (const [name, program] of Object.entries(benchmarks)) {
    if (!chosen.includes(name)) continue
    say(`npm run bench -- --only ${name}`)
    const startedAt = Date.now()
    const command = name === 'simulator' ? await findNode(24) : undefined // `npm test` runs it there
    const printed = await output(program, command)
    const version = command === undefined ? process.version : await output(['-p', 'process.version'], command)
    put(name, printed, { seconds: (Date.now() - startedAt) / 1_000, version: version.trim() })
  }
  say(`the results are in ${file}`)
  return 0
})

/**
 * Replaces the result of one benchmark.
 * @param {string} name
 * @param {string} printed
 * @param {{ readonly seconds: number, readonly version: string }} run
 */
function put(name, printed, { seconds, version }) {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const text = readFileSync(file, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new StepFailure(`Expected the markers ${begin} and ${end} in ${file}.`)
  const [cpu] = cpus()
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${date}, ${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, Node ${version.slice(1)}, ${seconds.toFixed(0)} s`
  const shown = printed.includes('|') ? printed.trim() : `\`\`\`\n${printed.trim()}\n\`\`\``
  writeFileSync(file, `${text.slice(0, from + begin.length)}\n${machine}\n\n${shown}\n${text.slice(to)}`)
}
