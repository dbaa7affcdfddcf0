import { messageOf } from './connection-state.ts'
import { create, createList } from './dom.ts'
import type { Note } from './follow-notes.ts'
import { createHead } from './head.ts'
import { client } from './line.ts'
import { notes, room, timeOf } from './page.ts'
import './styles.css'

const head = createHead(room)
const rows = create('div', { className: 'rows' })
const empty = create('p', { className: 'empty' }, 'No notes yet. Open this page in a second window, and write one.')
const log = create('div', { className: 'scroll', role: 'log', 'aria-label': 'Notes', tabIndex: 0 }, rows)
const input = create('input', { 'aria-label': 'Your note', placeholder: 'Your note', maxLength: 500 })
const button = create('button', { type: 'submit', className: 'primary' }, 'Post')
const form = create('form', { className: 'composer' }, input, button)

const show = createList<Note>(
  rows,
  ({ id }) => id,
  ({ text, at }) => {
    const time = create('time', { className: 'soft' }, timeOf(at))
    return { element: create('p', { className: 'row' }, text, ' ', time), show() {} }
  },
)
notes.subscribe(({ notes: shown, problem }) => {
  log.setAttribute('aria-busy', String(shown === null))
  empty.remove()
  show(shown ?? [])
  if (shown?.length === 0) rows.append(empty)
  head.show(problem)
})

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const text = input.value
  if (text.trim() === '') return
  head.show(null)
  try {
    await client.post.mutate({ room, text })
    if (input.value === text) input.value = ''
  } catch (error) {
    head.show(messageOf(error))
  }
})

document
  .getElementById('root')
  ?.append(create('div', { className: 'app' }, ...head.elements, create('main', {}, log, form)))
