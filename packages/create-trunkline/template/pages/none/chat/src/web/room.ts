import { create, createList } from './dom.ts'
import { createHead } from './head.ts'
import type { Chat } from './join-chat.ts'
import { createMessages } from './messages.ts'
import { leave, typingText } from './page.ts'

/** The page of a room. */
export function createRoom(chat: Chat): readonly Node[] {
  const head = createHead(`#${chat.room}`)
  const members = create('ul', { className: 'members', 'aria-label': 'Here now' })
  const out = create('button', { type: 'button', className: 'small', onclick: leave }, 'Leave')
  const messages = createMessages(chat)
  const typing = create('p', { className: 'typing soft', role: 'status' })
  const showMembers = createList<string>(
    members,
    (name) => name,
    (name) => ({ element: create('li', {}, name), show() {} }),
  )
  members.append(create('li', {}, out))
  chat.state.subscribe((state) => {
    head.show(state.problem)
    showMembers(state.members)
    messages.show(state)
    const text = typingText(state.typists)
    if (typing.textContent !== text) typing.textContent = text
  })
  return [...head.elements, create('main', {}, members, messages.element, typing, createComposer(chat))]
}

function createComposer(chat: Chat): HTMLElement {
  const input = create('input', { 'aria-label': 'Your message', placeholder: 'Your message', maxLength: 2_000 })
  const send = create('button', { type: 'submit', className: 'primary' }, 'Send')
  const form = create('form', { className: 'composer' }, input, send)
  input.addEventListener('input', () => chat.announceTyping())
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    chat.post(input.value)
    input.value = ''
  })
  return form
}
