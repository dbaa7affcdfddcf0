import type { ChatState, Draft, Row } from './chat-state.ts'
import type { Chat } from './join-chat.ts'
import { timeOf } from './page.ts'

/** The messages of the room, then those that are being sent. */
export function Messages({ chat, state }: { chat: Chat; state: ChatState }) {
  return (
    <div className="scroll" role="log" aria-label="Messages" aria-busy={state.rows === null} tabIndex={0}>
      <div className="rows">
        {state.older !== null && (
          <button type="button" className="older" onClick={() => void chat.loadOlder()}>
            Show older messages
          </button>
        )}
        {state.rows?.map((row) => (
          <RowView key={row.id} row={row} me={chat.me} />
        ))}
        {state.drafts.map((draft) => (
          <DraftView key={draft.id} draft={draft} chat={chat} />
        ))}
        {state.rows?.length === 0 && state.drafts.length === 0 && <p className="empty">Nobody has written yet.</p>}
      </div>
    </div>
  )
}

function RowView({ row, me }: { row: Row; me: string }) {
  if (row.kind === 'gap') return <p className="gap">Some messages are missing here.</p>
  return (
    <p className="row message" data-mine={row.author === me}>
      <span className="author">{row.author}</span>
      {row.text} <time className="soft">{timeOf(row.at)}</time>
    </p>
  )
}

function DraftView({ draft, chat }: { draft: Draft; chat: Chat }) {
  return (
    <p className="row message" data-mine="true">
      {draft.text}{' '}
      {draft.problem === null ? (
        <span className="soft">sending…</span>
      ) : (
        <button type="button" className="small" onClick={() => chat.retry(draft)}>
          Not sent: {draft.problem} Send again
        </button>
      )}
    </p>
  )
}
