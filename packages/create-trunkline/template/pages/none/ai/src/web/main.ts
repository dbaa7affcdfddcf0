import { create, createList, type Row } from './dom.ts'
import { type Exchange, writingIn } from './follow-conversation.ts'
import { createHead } from './head.ts'
import { conversation } from './page.ts'
import './styles.css'

const head = createHead('Answers')
const rows = create('div', { className: 'rows' })
const empty = create(
  'p',
  { className: 'empty' },
  'Ask why an answer survives a reload, or for a count to 100. Then reload.',
)
const all = create('div', {}, rows, empty)
const log = create('div', { className: 'scroll', role: 'log', 'aria-label': 'Conversation', tabIndex: 0 }, all)
const input = create('input', { 'aria-label': 'Your question', placeholder: 'Your question', maxLength: 2_000 })
const ask = create('button', { type: 'submit', className: 'primary' }, 'Ask')
const stop = create('button', { type: 'button' }, 'Stop')
const form = create('form', { className: 'composer' }, input, ask, stop)
document
  .getElementById('root')
  ?.append(create('div', { className: 'app' }, ...head.elements, create('main', {}, log, form)))

let writing: Exchange | undefined
const show = createList<Exchange>(rows, ({ id }) => id, createExchange)
conversation.state.subscribe((state) => {
  writing = writingIn(state)
  head.show(state.problem)
  show(state.exchanges ?? [])
  log.setAttribute('aria-busy', String(state.exchanges === null))
  empty.hidden = state.exchanges === null || state.exchanges.length > 0
  ask.hidden = writing !== undefined
  stop.hidden = writing === undefined
})

stop.addEventListener('click', () => {
  if (writing !== undefined) conversation.stop(writing.id)
})
form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (writing !== undefined) return
  conversation.ask(input.value)
  input.value = ''
})

function createExchange({ question }: Exchange): Row<Exchange> {
  const answer = create('p', { className: 'answer' })
  const problem = create('p', { className: 'soft' })
  const asked = create('p', { className: 'row question' }, question)
  return {
    element: create('div', { className: 'rows' }, asked, answer, problem),
    show(exchange) {
      answer.textContent = exchange.answer
      answer.setAttribute('aria-busy', String(exchange.isWriting))
      problem.textContent = exchange.problem
    },
  }
}
