import { cpus } from 'node:os'
import type { Compiler, Measured } from './compilers.ts'
import type { Contestant } from './contestants/contestant.ts'
import type { Options } from './options.ts'

/** All checks of one contestant by one compiler. */
export interface Result {
  readonly compiler: Compiler
  readonly contestant: Contestant
  readonly measured: readonly Measured[]
}

/** The results as Markdown, for the README. */
export function toMarkdown(results: readonly Result[], { procedures, rounds }: Options): string {
  const compilers = [...new Set(results.map(({ compiler }) => compiler))]
  const what = `${procedures} procedures in routers of ten (4 queries, 4 mutations, 2 subscriptions), each used once by a client; ${rounds} checks each, in turn; medians.`
  const tables = compilers.map((compiler) => tableOf(results.filter((result) => result.compiler === compiler)))
  return [`${what}\n${machine()}.`, ...tables].join('\n\n')
}

/** The results as JSON. */
export function toJson(results: readonly Result[], options: Options): string {
  const rows = results.map(({ compiler, contestant, measured }) => ({
    compiler: compiler.name,
    id: contestant.id,
    measured,
  }))
  return `${JSON.stringify({ machine: machine(), options, results: rows }, null, 2)}\n`
}

/** The median of the seconds, since other load on the machine makes some checks slow and none fast. */
function secondsOf({ measured }: Result): number {
  return median(measured.map(({ seconds }) => seconds))
}

function tableOf(results: readonly Result[]): string {
  const of = (id: string) => results.find(({ contestant }) => contestant.id === id)
  const ratio = (result: Result, id: string) => {
    const other = of(id)
    return other === undefined ? '–' : `×${(secondsOf(result) / secondsOf(other)).toFixed(2)}`
  }
  const head = [
    results[0]?.compiler.name ?? '',
    'seconds',
    'fastest – slowest',
    'against tRPC',
    'against bare',
    'types',
    'instantiations',
    'MB',
  ]
  const rows = results.map((result) => {
    const seconds = result.measured.map((each) => each.seconds)
    const [first] = result.measured
    return [
      result.contestant.name,
      secondsOf(result).toFixed(2),
      `${Math.min(...seconds).toFixed(2)} – ${Math.max(...seconds).toFixed(2)}`,
      ratio(result, 'trpc'),
      ratio(result, 'bare'),
      first?.types ?? '–',
      first?.instantiations ?? '–',
      median(result.measured.map(({ megabytes }) => megabytes)).toFixed(0),
    ]
  })
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function machine(): string {
  const processors = cpus()
  return `${processors.length} cores (${processors[0]?.model.trim() ?? 'unknown'}), ${process.platform} ${process.arch}, Node ${process.versions.node}`
}
