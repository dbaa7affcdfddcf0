import { useState } from 'react'
import type { Message } from '../server/schemas.ts'
import { readTyped } from '../words/command.ts'
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
        {leads && (
          <Byline message={message} own={own} note={state === 'answering' ? answeringWords(answer, me) : null} />
        )}
        <p className="text">
          <Words text={message.text} />
          {edited && <span className="mark"> (edited)</span>}
          {state === 'stopped' && <span className="mark"> (stopped)</span>}
        </p>
        {state === 'sending' && <span className="sending">Sending…</span>}
        {state === 'failed' && <Failure shown={shown} {...actions} />}
        {answer !== undefined && <Answering answer={answer} own={answer.asker === me} {...actions} />}
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

/** The text of a message. A question to the bot is marked as one. */
function Words({ text }: { text: string }) {
  const typed = readTyped(text)
  if (typed.kind !== 'question') return <LinkedText text={text} />
  return (
    <>
      <span className="to-bot">to the bot</span>
      <LinkedText text={typed.prompt} />
    </>
  )
}

type State = 'sent' | 'sending' | 'failed' | 'answering' | 'stopped'

function stateOf({ unsent, answer }: ListedMessage): State {
  if (answer !== undefined) return answer.state === 'writing' ? 'answering' : answer.state
  return unsent === undefined ? 'sent' : unsent.failure === null ? 'sending' : 'failed'
}

function answeringWords(answer: Answer | undefined, me: string | null): string {
  return answer?.asker === me ? 'answering you' : `answering ${answer?.asker}`
}

/** What the person who asked may do with an answer that is being written or failed, and for everybody why it failed. */
function Answering({ answer, own, onStop, onAskAgain }: { answer: Answer; own: boolean } & MessageActions) {
  if (answer.state === 'writing')
    return own ? (
      <button type="button" className="stop" onClick={() => onStop(answer)}>
        Stop
      </button>
    ) : null
  if (answer.state === 'stopped') return null
  return (
    <p className="failure" role="alert">
      {answer.text === '' ? 'No answer' : 'The answer ends here'}: {answer.failure}.{' '}
      {own && (
        <button type="button" className="link" onClick={() => onAskAgain(answer)}>
          Ask again
        </button>
      )}
    </p>
  )
}

function Byline({ message, own, note }: { message: Message; own: boolean; note: string | null }) {
  return (
    <header>
      <Avatar name={message.author} />
      <span className="author">{message.author}</span>
      {own && <span className="you">you</span>}
      {note !== null && <span className="you">{note}</span>}
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
