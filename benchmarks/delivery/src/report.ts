import { cpus } from 'node:os'
import type { Contestant } from './contestant.ts'
import type { Counts } from './count.ts'
import type { Spread } from './healing.ts'
import { cutEveryMs, type Options } from './options.ts'

/** One contestant and its counts. */
export interface Result {
  readonly contestant: Contestant
  readonly counts: Counts
}

/** The results as Markdown, for the README. The ratios are against the control. */
export function toMarkdown(results: readonly Result[], options: Options): string {
  const control = results.find(({ contestant }) => contestant.id === 'bare')?.counts
  const sections = [describe(options), delivery(results), times(results, control)]
  if (options.cutPublishers) sections.push(effects(results))
  sections.push(notes(results))
  return sections.join('\n\n')
}

/** The results as JSON. */
export function toJson(results: readonly Result[], options: Options): string {
  const rows = results.map(({ contestant: { id, name, documents, reconnect }, counts }) => ({
    id,
    name,
    documents,
    reconnect,
    ...counts,
  }))
  return `${JSON.stringify({ machine: machine(), cutEveryMs, options, results: rows }, null, 2)}\n`
}

function machine(): string {
  const processors = cpus()
  return `${processors.length} cores (${processors[0]?.model.trim() ?? 'unknown'}), ${process.platform} ${process.arch}, Node ${process.versions.node}`
}

function describe(options: Options): string {
  const { publishers, rate, seconds, subscribers, bytes, settleSeconds, seed, cutPublishers } = options
  const cut = cutPublishers ? 'every subscriber and every publisher' : 'every subscriber'
  return `${publishers} publishers × ${rate} events/s × ${seconds} s, ${bytes} bytes of text each, to ${subscribers} subscribers of one room; ${cut} cut every ${cutEveryMs / 1_000} s; then at most ${settleSeconds} s to settle. Seed ${seed}.\n${machine()}.\nIn brackets: against the control's time to its first event.`
}

function delivery(results: readonly Result[]): string {
  return table(
    ['', 'published', 'delivered', 'lost', 'doubled', 'reordered', 'cuts', 'events/s', 'wire messages per event'],
    results.map(({ contestant: { name }, counts }) => [
      name,
      counts.sent,
      `${share(counts.delivered, counts.expected)} of ${counts.expected}`,
      counts.lost,
      counts.doubled,
      counts.reordered,
      counts.healing.cuts,
      counts.deliveredPerSecond.toFixed(0),
      counts.wireMessagesPerDelivery.toFixed(2),
    ]),
  )
}

function times(results: readonly Result[], control: Counts | undefined): string {
  const heads = ['p50', 'p99', 'longest'].map((name) => `first event, ${name}`)
  return table(
    ['time to heal', ...heads, 'nothing missing, p50', 'p99', 'longest', 'never whole'],
    results.map(({ contestant: { name }, counts: { healing } }) => [
      name,
      ...spreadCells(healing.firstEvent, control?.healing.firstEvent),
      ...spreadCells(healing.nothingMissing, control?.healing.firstEvent),
      `${healing.nothingMissing.never} of ${healing.cuts}`,
    ]),
  )
}

/** The ratio is against the control's time to its first event, since the control never recovers missed events. */
function spreadCells(spread: Spread, control: Spread | undefined): string[] {
  return (['p50', 'p99', 'longest'] as const).map((name) => {
    const ms = spread[name]
    if (ms === null) return 'never'
    const against = control?.[name]
    return against ? `${seconds(ms)} (×${(ms / against).toFixed(1)})` : seconds(ms)
  })
}

function effects(results: readonly Result[]): string {
  return table(
    ['effects of publishes', 'sent', 'acknowledged', 'in the log once', 'doubled', 'lost', 'acknowledged and lost'],
    results.map(({ contestant: { name }, counts: { sent, acknowledged, effects } }) => [
      name,
      sent,
      acknowledged,
      effects.once,
      effects.doubled,
      effects.lost,
      effects.lostAcknowledged,
    ]),
  )
}

function notes(results: readonly Result[]): string {
  return results
    .map(({ contestant: { name, reconnect }, counts: { signals } }) => {
      const reports = Object.entries(signals).map(([signal, times]) => `${signal} (${times} times)`)
      const reported =
        reports.length === 0
          ? 'Reported no loss to the application.'
          : `Reported to the application: ${reports.join('; ')}.`
      return `- ${name}: reconnects after ${reconnect}. ${reported}`
    })
    .join('\n')
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

/** A percentage that never rounds a loss to 100 %. */
function share(part: number, whole: number): string {
  if (whole === 0) return '–'
  const percent = (100 * part) / whole
  return `${part === whole ? '100' : Math.min(99.99, percent).toFixed(2)} %`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}
