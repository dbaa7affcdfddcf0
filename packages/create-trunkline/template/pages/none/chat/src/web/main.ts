import { create } from './dom.ts'
import { chat, enter } from './page.ts'
import { createRoom } from './room.ts'
import './styles.css'

const app = create('div', { className: 'app' })
document.getElementById('root')?.append(app)

chat.subscribe((joined) => app.replaceChildren(...(joined === null ? [createWelcome()] : createRoom(joined))))

function createWelcome(): HTMLElement {
  const input = create('input', { id: 'name', maxLength: 40, autocomplete: 'nickname' })
  const form = create(
    'form',
    { className: 'welcome' },
    create('h1', {}, 'Chat'),
    create('label', { for: 'name' }, 'Your name'),
    input,
    create('button', { type: 'submit', className: 'primary' }, 'Enter'),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const name = input.value.trim()
    if (name !== '') enter(name)
  })
  return create('main', {}, form)
}
