import { arch, cpus, platform } from 'node:os'
import { type Measured, median } from './measure.ts'

const kilobytes = (bytes: number) => (bytes / 1_000).toFixed(bytes < 10_000 ? 1 : 0)
const milliseconds = (numbers: readonly number[]) => median(numbers).toFixed(1)

/** The results as Markdown. */
export function toMarkdown(measured: readonly Measured[], runs: number): string {
  const [control] = measured
  const over = (each: Measured) => (median(each.initMs) - median(control?.initMs ?? [])).toFixed(1)
  const rows = measured.map(
    (each) =>
      `| ${each.contestant.name} | ${kilobytes(each.bundle.initBytes)} | ${kilobytes(each.bundle.initGzip)} | ${kilobytes(each.bundle.allBytes)} | ${milliseconds(each.initMs)} | ${over(each)} | ${each.contestant.what} | ${milliseconds(each.firstMs)} |`,
  )
  return [
    `${runs} cold starts of each function, in turn, one process at a time. Medians; kB are thousands of bytes.`,
    `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${platform()} ${arch()}, Node ${process.versions.node}.`,
    '',
    '| function | read at init, kB | gzip | whole package, kB | init, ms | over the control | first event | ms |',
    '|---|--:|--:|--:|--:|--:|---|--:|',
    ...rows,
  ].join('\n')
}

/** The results as JSON, with the times of all starts. */
export function toJson(measured: readonly Measured[], runs: number): string {
  const functions = measured.map(({ contestant: { event: _, ...contestant }, bundle, initMs, firstMs }) => ({
    ...contestant,
    initBytes: bundle.initBytes,
    initGzip: bundle.initGzip,
    allBytes: bundle.allBytes,
    initMs,
    firstMs,
  }))
  return `${JSON.stringify({ runs, node: process.versions.node, functions }, null, 2)}\n`
}
