import type { ConnectionView, CostView, InspectorView, RunView, TopicView } from '../view.ts'
import { cell, find, make, showRows } from './element.ts'
import { formatAge, formatAmount, formatTime, formatUsd, shorten } from './format.ts'

/** Shows the connections and their subscriptions. */
export function showConnections({ connections, now }: InspectorView): void {
  find('connections-count').textContent = String(connections.length)
  const toRow = (one: ConnectionView) => [
    make('td', { class: 'code', title: one.id }, shorten(one.id)),
    one.principal === null ? cell('anonymous', 'soft') : cell(one.principal),
    one.state === 'lost' ? cell('lost', '', 'lost') : cell(one.client),
    cell(formatAge(now - one.connectedAt), 'number'),
    make(
      'td',
      { class: 'code', title: one.subscriptions.map(({ topic }) => topic).join('\n') },
      one.subscriptions.map(({ path }) => path).join(', '),
    ),
  ]
  showRows('connections', connections.map(toRow), 'No connections.')
}

/** Shows the topics, the heads of their logs and their subscribers. */
export function showTopics(topics: readonly TopicView[]): void {
  find('topics-count').textContent = String(topics.length)
  const toRow = ({ topic, head, subscribers }: TopicView) => [
    cell(topic, 'code'),
    cell(head === undefined ? '–' : String(head), 'number'),
    cell(String(subscribers), 'number'),
  ]
  showRows('topics', topics.map(toRow), 'No topics yet.')
}

/** Shows function runs, newest first. */
export function showRuns(runs: readonly RunView[]): void {
  const toRow = ({ name, attempt, endedAt, durationMs, initMs, outcome }: RunView) => [
    cell(formatTime(endedAt), 'code soft'),
    cell(attempt > 1 ? `${name} (try ${attempt})` : name),
    cell(`${Math.round(durationMs)} ms`, 'number'),
    initMs === undefined ? cell('warm', 'soft') : cell(`cold ${Math.round(initMs)} ms`, '', 'cold'),
    cell(outcome, '', outcome),
  ]
  showRows('runs', runs.map(toRow).reverse(), 'No runs yet.')
}

/** Shows what the usage would cost on AWS. */
export function showCost(cost: CostView): void {
  find('per-hour').textContent = formatUsd(cost.usdPerHour)
  find('so-far').textContent = formatUsd(cost.usd)
  find('prices-read').textContent = cost.pricesRead
  const rows = cost.lines.map((line) => [
    make('td', { title: `Source: ${line.source}` }, line.label),
    cell(formatAmount(Math.round(line.used * 100) / 100), 'number'),
    cell(formatAmount(line.usdPerMillion), 'number rate'),
    cell(formatUsd(line.usd), 'number'),
    cell(formatUsd(line.usdPerHour), 'number'),
  ])
  showRows('cost', rows, '')
}
