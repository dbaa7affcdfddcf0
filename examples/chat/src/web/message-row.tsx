import { useState } from 'react'
import type { Message } from '../server/schemas.ts'
import { Avatar } from './avatar.tsx'
import { dayWords, exactTime, timeOfDay } from './clock-words.ts'
import { LinkedText } from './linked-text.tsx'
import type { ListedMessage, MessageActions } from './listed-message.ts'
import type { Row } from './rows.ts'
import type { Answer } from './use-answers.ts'

interface MessageRowProps extends MessageActions {
  readonly row: Row<ListedMessage>
  readonly me: string | null
}

/** One message, with its author's name unless the previous row shows it. */
export function MessageRow({ row: { shown, leads, startsDay }, me, ...actions }: MessageRowProps) {
  const { message, edited, answer } = shown
  const own = message.author === me
  const state = stateOf(shown)
  return (
    <>
      {startsDay && <h3 className="day">{dayWords(message.at, Date.now())}</h3>}
      <article
        className="message"
        data-state={state}
        data-leads={leads}
        aria-busy={state === 'answering'}
        title={exactTime(message.at)}
      >
        {leads && <Byline message={message} own={own} writing={state === 'answering'} />}
        <p className="text">
          <LinkedText text={message.text} />
          {edited && <span className="mark"> (edited)</span>}
        </p>
        {state === 'sending' && <span className="sending">Sending…</span>}
        {state === 'failed' && <Failure shown={shown} {...actions} />}
        {answer !== undefined && <Answering answer={answer} {...actions} />}
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

type State = 'sent' | 'sending' | 'failed' | 'answering'

function stateOf({ unsent, answer }: ListedMessage): State {
  if (answer !== undefined) return answer.failure === null ? 'answering' : 'failed'
  return unsent === undefined ? 'sent' : unsent.failure === null ? 'sending' : 'failed'
}

/** The buttons for an answer that is being written or failed. */
function Answering({ answer, onStop, onAskAgain }: { answer: Answer } & MessageActions) {
  if (answer.failure === null)
    return (
      <button type="button" className="stop" onClick={() => onStop(answer)}>
        Stop
      </button>
    )
  return (
    <p className="failure" role="alert">
      No answer: {answer.failure}.{' '}
      <button type="button" className="link" onClick={() => onAskAgain(answer)}>
        Ask again
      </button>{' '}
      <button type="button" className="link" onClick={() => onStop(answer)}>
        Discard
      </button>
    </p>
  )
}

function Byline({ message, own, writing }: { message: Message; own: boolean; writing: boolean }) {
  return (
    <header>
      <Avatar name={message.author} />
      <span className="author">{message.author}</span>
      {own && <span className="you">you</span>}
      {writing && <span className="you">writing to you</span>}
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

/** Asks for confirmation in the same place before it removes. */
function RemoveButton({ onRemove }: { onRemove: () => void }) {
  const [asked, setAsked] = useState(false)
  return (
    <button type="button" onClick={asked ? onRemove : () => setAsked(true)} onBlur={() => setAsked(false)}>
      {asked ? 'Delete for all?' : 'Delete'}
    </button>
  )
}
