import { Composer } from './composer.tsx'
import { type Exchange, writingIn } from './follow-conversation.ts'
import { Head } from './head.tsx'
import { conversation } from './page.ts'
import { useStore } from './use-store.ts'

export function App() {
  const state = useStore(conversation.state)
  const writing = writingIn(state)
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
        <Composer label="Your question" maxLength={2_000} isReady={writing === undefined} onSubmit={conversation.ask}>
          {writing === undefined ? (
            <button key="ask" type="submit" className="primary">
              Ask
            </button>
          ) : (
            <button key="stop" type="button" onClick={() => conversation.stop(writing.id)}>
              Stop
            </button>
          )}
        </Composer>
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
