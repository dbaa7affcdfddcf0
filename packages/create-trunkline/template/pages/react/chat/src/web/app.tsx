import { type FormEvent, useState } from 'react'
import { Composer } from './composer.tsx'
import { Head } from './head.tsx'
import type { Chat } from './join-chat.ts'
import { Messages } from './messages.tsx'
import { chat, enter, leave, typingText } from './page.ts'
import { useStore } from './use-store.ts'

export function App() {
  const joined = useStore(chat)
  return <div className="app">{joined === null ? <Welcome /> : <Room chat={joined} />}</div>
}

function Welcome() {
  const [name, setName] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (name.trim() !== '') enter(name.trim())
  }
  return (
    <main>
      <form className="welcome" onSubmit={submit}>
        <h1>Chat</h1>
        <label htmlFor="name">Your name</label>
        <input
          id="name"
          maxLength={40}
          autoComplete="nickname"
          value={name}
          onChange={(e) => setName(e.target.value)}
        />
        <button type="submit" className="primary">
          Enter
        </button>
      </form>
    </main>
  )
}

function Room({ chat }: { chat: Chat }) {
  const state = useStore(chat.state)
  return (
    <>
      <Head title={`#${chat.room}`} problem={state.problem} />
      <main>
        <ul className="members" aria-label="Here now">
          {state.members.map((name) => (
            <li key={name}>{name}</li>
          ))}
          <li>
            <button type="button" className="small" onClick={leave}>
              Leave
            </button>
          </li>
        </ul>
        <Messages chat={chat} state={state} />
        <p className="typing soft" role="status">
          {typingText(state.typists)}
        </p>
        <Composer label="Your message" maxLength={2_000} onSubmit={chat.post} onType={chat.announceTyping}>
          <button type="submit" className="primary">
            Send
          </button>
        </Composer>
      </main>
    </>
  )
}
