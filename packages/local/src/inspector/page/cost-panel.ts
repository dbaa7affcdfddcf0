import type { CostView } from '../data-source.ts'
import { make, setText } from './element.ts'
import { formatAmount, formatUsd } from './format.ts'

/** What the amounts are of, and what they leave out. */
const notes: Readonly<Record<CostView['span'], (pricesRead: string) => string>> = {
  'since-start': (pricesRead) =>
    `Public prices of us-east-1, read on ${pricesRead}; no free tier. Run times are this machine’s. An hour is the last ` +
    'minute sixty times, and the sockets open now. Storage, data out, queues and logs are not counted.',
  'last-hour': (pricesRead) =>
    `What CloudWatch has of the last hour, which is some minutes late, at public prices of us-east-1, read on ${pricesRead}; ` +
    'no free tier. A message counts once, whatever its size. Minutes of connections, run times, storage, data out, ' +
    'queues and logs are not counted.',
}

/** What the usage costs on AWS: on a local line, what it would cost. */
export class CostPanel {
  readonly element: HTMLElement
  readonly #heads = make('tr', {})
  readonly #rows = make('tbody', {})
  readonly #note = make('p', { class: 'note' })

  constructor() {
    const table = make('table', { 'aria-label': 'Running cost' }, make('thead', {}, this.#heads), this.#rows)
    this.element = make('div', { class: 'panel' }, table, this.#note)
  }

  update({ span, lines, pricesRead }: CostView): void {
    const names = ['Part', 'Used', '$ a million', ...(span === 'last-hour' ? ['The last hour'] : ['So far', 'An hour'])]
    if (this.#heads.childElementCount !== names.length)
      this.#heads.replaceChildren(
        ...names.map((text, index) => make('th', { scope: 'col', class: index === 0 ? '' : 'number' }, text)),
      )
    setText(this.#note, notes[span](pricesRead))
    const rows = lines.map(({ label, source, used, usdPerMillion, usd, usdPerHour }) => {
      const amounts = [
        formatAmount(Math.round(used * 100) / 100),
        formatAmount(usdPerMillion),
        formatUsd(usd),
        ...(span === 'last-hour' ? [] : [formatUsd(usdPerHour)]),
      ]
      const head = make('th', { scope: 'row', title: `Source: ${source}` }, label)
      return make('tr', {}, head, ...amounts.map((text) => make('td', { class: 'number' }, text)))
    })
    this.#rows.replaceChildren(...rows)
  }
}
