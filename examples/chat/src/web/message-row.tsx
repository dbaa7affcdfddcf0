import { useState } from 'react'
import type { Message } from '../server/schemas.ts'
import { Avatar } from './avatar.tsx'
import { dayWords, exactTime, timeOfDay } from './clock-words.ts'
import { LinkedText } from './linked-text.tsx'
import type { ListedMessage, MessageActions } from './message-list.tsx'
import type { Row } from './rows.ts'

interface MessageRowProps extends MessageActions {
  readonly row: Row<ListedMessage>
  readonly me: string | null
}

/** One message, under its author's name where that is not said just above. */
export function MessageRow({ row: { shown, leads, startsDay }, me, ...actions }: MessageRowProps) {
  const { message, edited, unsent } = shown
  const own = message.author === me
  const state = unsent === undefined ? 'sent' : unsent.failure === null ? 'sending' : 'failed'
  return (
    <>
      {startsDay && <h3 className="day">{dayWords(message.at, Date.now())}</h3>}
      <article className="message" data-state={state} data-leads={leads} title={exactTime(message.at)}>
        {leads && <Byline message={message} own={own} />}
        <p className="text">
          <LinkedText text={message.text} />
          {edited && <span className="mark"> (edited)</span>}
        </p>
        {state === 'sending' && <span className="sending">Sending…</span>}
        {state === 'failed' && <Failure shown={shown} {...actions} />}
        {own && state === 'sent' && (
          <div className="actions">
            <button type="button" onClick={() => actions.onEdit(message)}>
              Edit
            </button>
            <RemoveButton onRemove={() => actions.onRemove(message)} />
          </div>
        )}
      </article>
    </>
  )
}

function Byline({ message, own }: { message: Message; own: boolean }) {
  return (
    <header>
      <Avatar name={message.author} />
      <span className="author">{message.author}</span>
      {own && <span className="you">you</span>}
      <time dateTime={new Date(message.at).toISOString()}>{timeOfDay(message.at)}</time>
    </header>
  )
}

function Failure({ shown: { unsent }, onRetry, onDiscard }: { shown: ListedMessage } & MessageActions) {
  if (unsent === undefined) return null
  return (
    <p className="failure" role="alert">
      Not sent: {unsent.failure}.{' '}
      <button type="button" className="link" onClick={() => onRetry(unsent)}>
        Try again
      </button>{' '}
      <button type="button" className="link" onClick={() => onDiscard(unsent)}>
        Discard
      </button>
    </p>
  )
}

/** Asks once more before it removes, in the same place. */
function RemoveButton({ onRemove }: { onRemove: () => void }) {
  const [asked, setAsked] = useState(false)
  return (
    <button type="button" onClick={asked ? onRemove : () => setAsked(true)} onBlur={() => setAsked(false)}>
      {asked ? 'Delete for all?' : 'Delete'}
    </button>
  )
}
