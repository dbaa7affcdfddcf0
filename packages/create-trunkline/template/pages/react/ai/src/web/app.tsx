import { type FormEvent, useState } from 'react'
import { type Exchange, writingIn } from './follow-conversation.ts'
import { Head } from './head.tsx'
import { conversation } from './page.ts'
import { useStore } from './use-store.ts'

export function App() {
  const state = useStore(conversation.state)
  return (
    <div className="app">
      <Head title="Answers" problem={state.problem} />
      <main>
        <div className="scroll" role="log" aria-label="Conversation" aria-busy={state.exchanges === null} tabIndex={0}>
          <div className="rows">
            {state.exchanges?.map((exchange) => (
              <ExchangeView key={exchange.id} exchange={exchange} />
            ))}
            {state.exchanges?.length === 0 && (
              <p className="empty">Ask why an answer survives a reload, or for a count to 100. Then reload.</p>
            )}
          </div>
        </div>
        <Composer writing={writingIn(state)} />
      </main>
    </div>
  )
}

function ExchangeView({ exchange }: { exchange: Exchange }) {
  return (
    <>
      <p className="row question">{exchange.question}</p>
      <p className="answer" aria-busy={exchange.isWriting}>
        {exchange.answer}
      </p>
      {exchange.problem && <p className="soft">{exchange.problem}</p>}
    </>
  )
}

function Composer({ writing }: { writing: Exchange | undefined }) {
  const [text, setText] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (writing !== undefined) return
    conversation.ask(text)
    setText('')
  }
  return (
    <form className="composer" onSubmit={submit}>
      <input
        aria-label="Your question"
        placeholder="Your question"
        maxLength={2_000}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {writing === undefined ? (
        <button type="submit" className="primary">
          Ask
        </button>
      ) : (
        <button type="button" onClick={() => conversation.stop(writing.id)}>
          Stop
        </button>
      )}
    </form>
  )
}
