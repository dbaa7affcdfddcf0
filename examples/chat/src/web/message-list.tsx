import { type UIEvent, useMemo } from 'react'
import type { ListedMessage, MessageActions } from './listed-message.ts'
import { MessageRow } from './message-row.tsx'
import { toRows } from './rows.ts'
import { useStickyScroll } from './use-sticky-scroll.ts'
import type { RoomHistory } from './use-timeline.ts'

interface MessageListProps extends MessageActions {
  readonly room: string
  readonly me: string | null
  readonly messages: readonly ListedMessage[]
  readonly history: RoomHistory
}

const nearTopPx = 120

/** The messages, oldest first. The list stays at its end while the reader is there, else at the reader's position. */
export function MessageList({ room, me, messages, history, ...actions }: MessageListProps) {
  const rows = useMemo(() => toRows(messages), [messages])
  const { scroller, unseen, onScroll, toEnd } = useStickyScroll(messages, me)
  const { hasOlder, loadingOlder, loadOlder, ready } = history
  const onScrolled = (event: UIEvent<HTMLElement>) => {
    const movedUp = onScroll()
    if (movedUp && event.currentTarget.scrollTop < nearTopPx && hasOlder && !loadingOlder) loadOlder()
  }
  return (
    <div className="list-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section ref={scroller} className="list" tabIndex={0} aria-label={`Messages in ${room}`} onScroll={onScrolled}>
        {hasOlder && (
          <button type="button" className="older" disabled={loadingOlder} onClick={loadOlder}>
            {loadingOlder ? 'Loading…' : 'Older messages'}
          </button>
        )}
        {ready && !hasOlder && messages.length > 0 && <p className="beginning">Messages are kept for seven days.</p>}
        {!ready && messages.length === 0 && <Skeleton />}
        {ready && messages.length === 0 && <Empty room={room} />}
        <div role="log" aria-live="polite" aria-relevant="additions" aria-busy={!ready || loadingOlder}>
          {rows.map((row) => (
            <MessageRow key={row.shown.message.id} row={row} me={me} {...actions} />
          ))}
        </div>
      </section>
      {unseen > 0 && (
        <button type="button" className="to-end" onClick={toEnd}>
          {unseen === 1 ? '1 new message' : `${unseen} new messages`} ↓
        </button>
      )}
    </div>
  )
}

function Empty({ room }: { room: string }) {
  return (
    <div className="empty">
      <p className="empty-title">Nothing has been said in #{room} this week.</p>
      <p>Whatever you write is seen at once by everyone here.</p>
    </div>
  )
}

/** A placeholder with the size of messages, so that the layout does not jump when they arrive. */
function Skeleton() {
  return (
    <div className="skeleton" aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  )
}
