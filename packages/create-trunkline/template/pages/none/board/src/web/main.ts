import { type Column, columns } from '../columns.ts'
import { create, createList, type Row } from './dom.ts'
import { type BoardState, cardsIn, type ShownCard } from './follow-board.ts'
import { createHead } from './head.ts'
import { board, columnNames, movesFrom, name } from './page.ts'
import './styles.css'

const head = createHead(`Board: ${name}`)
const shownColumns = columnNames.map(createColumn)
const grid = create('div', { className: 'columns' }, ...shownColumns.map(({ element }) => element))
const main = create('main', {}, grid, createForm())
document.getElementById('root')?.append(create('div', { className: 'app' }, ...head.elements, main))

board.state.subscribe((state) => {
  head.show(state.problem)
  grid.setAttribute('aria-busy', String(state.cards === null))
  for (const { show } of shownColumns) show(state)
})

function createColumn(column: Column): { readonly element: HTMLElement; show(state: BoardState): void } {
  const count = create('span', { className: 'soft' })
  const list = create('ul', { className: 'cards' })
  const title = create('h2', { id: column }, columns[column], ' ', count)
  const showCards = createList<ShownCard>(
    list,
    ({ id }) => id,
    (card) => createCard(card, column),
  )
  return {
    element: create('section', { className: 'column', 'aria-labelledby': column, tabIndex: 0 }, title, list),
    show(state) {
      const cards = cardsIn(state, column)
      count.textContent = String(cards.length)
      showCards(cards)
    },
  }
}

function createCard({ id, title }: ShownCard, column: Column): Row<ShownCard> {
  const moves = movesFrom(column).map(({ arrow, to }) =>
    createButton(arrow, `Move ${title} to ${columns[to]}`, () => board.move(id, to)),
  )
  const remove = createButton('×', `Remove ${title}`, () => board.remove(id))
  const words = create('p')
  const element = create(
    'li',
    { className: 'row card' },
    words,
    create('div', { className: 'buttons' }, ...moves, remove),
  )
  return {
    element,
    show(card) {
      words.textContent = card.title
      element.dataset['moving'] = String(card.isMoving)
    },
  }
}

function createButton(text: string, label: string, onclick: () => void): HTMLElement {
  return create('button', { type: 'button', className: 'small', 'aria-label': label, onclick }, text)
}

function createForm(): HTMLElement {
  const input = create('input', { 'aria-label': 'New card', placeholder: 'New card', maxLength: 200 })
  const button = create('button', { type: 'submit', className: 'primary' }, 'Add')
  const form = create('form', { className: 'composer' }, input, button)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    board.add(input.value)
    input.value = ''
  })
  return form
}
