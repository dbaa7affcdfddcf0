import { useMutation } from '@tanstack/react-query'
import { useConnection } from '@trunkline/client/react'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { botName, type Message, type MessageEvent } from '../server/schemas.ts'
import { readTyped } from '../words/command.ts'
import { explainFailure } from '../words/failure.ts'
import { Composer } from './composer.tsx'
import { ConnectionBadge } from './connection-badge.tsx'
import { connection, trpc } from './line.ts'
import type { ListedMessage } from './listed-message.ts'
import { MembersButton, MembersPanel } from './members-panel.tsx'
import { MessageList } from './message-list.tsx'
import { moderate } from './moderate.ts'
import { notePosted } from './post.ts'
import { type Notice, StatusLine } from './status-line.tsx'
import type { ShownMessage } from './timeline.ts'
import { typingWords } from './typists.ts'
import { type Answers, useAnswers } from './use-answers.ts'
import { useMembers } from './use-members.ts'
import { scopeOf, type Unsent, useOutbox } from './use-outbox.ts'
import { type RoomHistory, useTimeline } from './use-timeline.ts'
import { useTyping } from './use-typing.ts'

interface RoomViewProps {
  readonly room: string
  readonly me: string | null
  /** Whether another layer covers the room. */
  readonly covered: boolean
  readonly onOpenPanel: () => void
  readonly onRename: () => void
}

/** One room: its messages, its members and the composer. */
export function RoomView({ room, me, covered, onOpenPanel, onRename }: RoomViewProps) {
  const state = useConnection(connection)
  const [editing, setEditing] = useState<Message | null>(null)
  const [notice, setNotice] = useState<Notice | null>(null)
  const typing = useTyping(room, me)
  const present = { members: useMembers(room, me), me, typists: typing.typists }
  const onEvent = useCallback(
    (event: MessageEvent) => {
      if (event.type !== 'posted') return
      notePosted(event.message)
      typing.stopped(event.message.author)
    },
    [typing.stopped],
  )
  const history = useTimeline(room, onEvent)
  const outbox = useOutbox(room, (message) => history.dispatch({ type: 'confirmed', message }))
  const onError = (error: unknown) => setNotice({ text: `Not changed: ${explainFailure(error)}.` })
  const onStopError = (error: unknown) => setNotice({ text: `Not stopped: ${explainFailure(error)}.` })
  const answers = useAnswers(room, history.messages, { me, onError: onStopError })
  const listed = useListed(history.messages, { unsent: outbox.unsent, answers }, me)
  const inOrder = { onError, scope: scopeOf(room) } // after the message itself, which may still be in flight
  const edit = useMutation(trpc.messages.edit.mutationOptions(inOrder))
  const remove = useMutation(trpc.messages.remove.mutationOptions(inOrder))

  useEffect(() => {
    document.title = `#${room} · Chat`
  }, [room])

  const say = (text: string) => {
    const typed = readTyped(text)
    if (typed.kind === 'command')
      return void moderate(room, typed).then((done) => setNotice({ text: done, tone: 'calm' }), onError)
    outbox.send(text)
    if (typed.kind === 'question') answers.ask(typed.prompt)
  }
  const submit = (text: string) => {
    setNotice(null)
    if (editing === null) return say(text)
    setEditing(null)
    if (text !== editing.text) edit.mutate({ room, id: editing.id, text })
  }
  const editLast = () => setEditing(listed.findLast((shown) => isEditable(shown, me))?.message ?? null)

  return (
    <>
      <main className="room" inert={covered}>
        <header className="room-head">
          <button type="button" className="icon panel-button" aria-label="Rooms" onClick={onOpenPanel}>
            ☰
          </button>
          <h2 className="clip">
            <span className="hash" aria-hidden="true">
              #
            </span>
            {room}
          </h2>
          <MembersButton {...present} />
          <ConnectionBadge state={state} />
        </header>
        <MessageList
          room={room}
          me={me}
          messages={listed}
          history={history}
          onRetry={outbox.retry}
          onDiscard={outbox.discard}
          onEdit={setEditing}
          onRemove={(message) => {
            setNotice(null)
            remove.mutate({ room, id: message.id })
          }}
          onStop={answers.stop}
          onAskAgain={answers.askAgain}
        />
        <div className="status-slot">
          <StatusLine
            state={state}
            notice={noticeOf(notice, history)}
            typing={typingWords(typing.typists)}
            onRename={onRename}
          />
        </div>
        {me === null ? (
          <div className="reader">
            <span>You are reading along.</span>
            <button type="button" className="primary" onClick={onRename}>
              Choose a name to write
            </button>
          </div>
        ) : (
          <Composer
            key={editing?.id ?? 'new'}
            room={room}
            editing={editing}
            onSubmit={submit}
            onTyping={typing.announce}
            onCancel={() => setEditing(null)}
            onEditLast={editLast}
          />
        )}
      </main>
      <MembersPanel {...present} />
    </>
  )
}

/** The notice for the status line, apart from the state of the connection. */
function noticeOf(notice: Notice | null, { failure, follow }: RoomHistory): Notice | null {
  if (failure !== null)
    return { text: `This room is not followed any more: ${failure}.`, action: { label: 'Follow again', run: follow } }
  return notice
}

/** Whether the user may edit the message: an own message that did not fail. */
function isEditable({ message, unsent }: ListedMessage, me: string | null): boolean {
  return message.author === me && !unsent?.failure
}

/** What is not in the log: messages that this browser sends, questions to the bot, and the words of its answers. */
interface Unlogged {
  readonly unsent: readonly Unsent[]
  readonly answers: Pick<Answers, 'written' | 'questions'>
}

/** The shown messages: those of the log, then those that are not in it yet. */
function useListed(
  shown: ReturnType<typeof useTimeline>['messages'],
  { unsent, answers: { written, questions } }: Unlogged,
  me: string | null,
): readonly ListedMessage[] {
  return useMemo(() => {
    const logged = new Set(shown.map(({ message }) => message.id))
    const waiting = unsent
      .filter(({ id }) => !logged.has(id)) // its event arrived, perhaps before its answer
      .map((one) => ({
        message: { id: one.id, author: me ?? '', text: one.text, at: one.at },
        edited: false,
        unsent: one,
      }))
    const asked = questions
      .filter(({ id }) => !logged.has(id))
      .map((one) => ({ message: { id: one.id, author: botName, text: '', at: one.at }, edited: false, asked: one }))
    const withWords = (one: ShownMessage): ListedMessage => {
      const answer = one.asked && written.get(one.asked.id)
      return answer === undefined ? one : { ...one, message: { ...one.message, text: answer.text }, answer }
    }
    return [...shown.map(withWords), ...waiting, ...asked.map(withWords)]
  }, [shown, unsent, written, questions, me])
}
