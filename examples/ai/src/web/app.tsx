import { useChat } from '@ai-sdk/react'
import { useConnection } from '@trunkline/client/react'
import { useEffect, useRef, useState } from 'react'
import { Composer } from './composer.tsx'
import { ConnectionBadge } from './connection-badge.tsx'
import { explainFailure } from './explain-failure.ts'
import { connection } from './line.ts'
import { MessageView } from './message-view.tsx'
import { createSharedChat } from './shared-chat.ts'

/** The id of the chat is in the address, so that a second tab with the same address shows the same chat. */
const chatId = decodeURIComponent(location.hash.slice(1)) || newChatId()
const shared = createSharedChat(chatId)

function newChatId(): string {
  const id = Math.random().toString(36).slice(2, 10)
  history.replaceState(null, '', `#${id}`)
  return id
}

/** The page: one chat with a model. */
export function App() {
  const { messages, sendMessage, stop, status, error, clearError } = useChat({ chat: shared.chat })
  const { ready, lost } = useFollow()
  const state = useConnection(connection)
  const end = useStayAtEnd(messages)
  const writing = status === 'submitted' || status === 'streaming'
  const failure = error ?? lost
  return (
    <div className="app">
      <header className="head">
        <h1>Answers</h1>
        <ConnectionBadge state={state} />
      </header>
      <main className="messages" aria-busy={!ready}>
        {ready && messages.length === 0 && (
          <p className="empty">
            Ask “Why does an answer survive a reload?” or “What is the weather in Paris?”. Then reload this page, or
            open its address in a second tab.
          </p>
        )}
        <div role="log" aria-live="polite">
          {messages.map((message, index) => (
            <MessageView key={message.id} message={message} writing={writing && index === messages.length - 1} />
          ))}
          {status === 'submitted' && messages.at(-1)?.role === 'user' && <p className="soft">The model is thinking…</p>}
        </div>
        <div ref={end} />
      </main>
      {failure !== undefined && (
        <p className="failure" role="alert">
          {explainFailure(failure)}{' '}
          <button type="button" className="link" onClick={clearError}>
            Close
          </button>
        </p>
      )}
      <Composer
        writing={writing}
        onSubmit={(text) => void sendMessage({ text })}
        onStop={() => void stop()}
        disabled={!ready}
      />
    </div>
  )
}

function useFollow(): { readonly ready: boolean; readonly lost: unknown } {
  const [ready, setReady] = useState(false)
  const [lost, setLost] = useState<unknown>()
  useEffect(() => shared.follow({ onReady: () => setReady(true), onError: setLost }), [])
  return { ready, lost }
}

/** Keeps the newest words in view while the reader is at the end. */
function useStayAtEnd(messages: readonly unknown[]) {
  const end = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const list = end.current?.parentElement
    if (list && list.scrollHeight - list.scrollTop - list.clientHeight < 160) list.scrollTop = list.scrollHeight
  }, [messages])
  return end
}
