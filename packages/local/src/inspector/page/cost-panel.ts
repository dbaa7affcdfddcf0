import type { CostView } from '../data-source.ts'
import { make } from './element.ts'
import { formatAmount, formatUsd } from './format.ts'

/** What the usage would cost on AWS. */
export class CostPanel {
  readonly element: HTMLElement
  readonly #rows = make('tbody', {})
  readonly #read = make('span', {}, '–')

  constructor() {
    const heads = ['Part', 'Used', '$ a million', 'So far', 'An hour'].map((text, index) =>
      make('th', { scope: 'col', class: index === 0 ? '' : 'number' }, text),
    )
    this.element = make(
      'div',
      { class: 'panel' },
      make('table', { 'aria-label': 'Running cost' }, make('thead', {}, make('tr', {}, ...heads)), this.#rows),
      make(
        'p',
        { class: 'note' },
        'Public prices of us-east-1, read on ',
        this.#read,
        '; no free tier. Run times are this machine’s. An hour is the last minute sixty times, and the sockets open now. ' +
          'Storage, data out, queues and logs are not counted.',
      ),
    )
  }

  update({ lines, pricesRead }: CostView): void {
    this.#read.textContent = pricesRead
    const rows = lines.map(({ label, source, used, usdPerMillion, usd, usdPerHour }) => {
      const amounts = [
        formatAmount(Math.round(used * 100) / 100),
        formatAmount(usdPerMillion),
        formatUsd(usd),
        formatUsd(usdPerHour),
      ]
      const head = make('th', { scope: 'row', title: `Source: ${source}` }, label)
      return make('tr', {}, head, ...amounts.map((text) => make('td', { class: 'number' }, text)))
    })
    this.#rows.replaceChildren(...rows)
  }
}
