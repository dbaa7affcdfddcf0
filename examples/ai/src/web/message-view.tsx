import { getToolName, isToolUIPart, type UIMessage } from 'ai'

interface MessageViewProps {
  readonly message: UIMessage
  /** Whether the answer is being written. */
  readonly writing: boolean
}

type Part = UIMessage['parts'][number]

/** One message: its texts, and a card for each use of a tool. */
export function MessageView({ message: { role, parts }, writing }: MessageViewProps) {
  const state = role === 'user' ? 'asked' : writing ? 'writing' : parts.every(isComplete) ? 'complete' : 'incomplete'
  return (
    <article className="message" data-role={role} data-state={state} aria-busy={state === 'writing'}>
      <h2 className="unseen">{role === 'user' ? 'You' : 'The model'}</h2>
      {parts.map((part, index) => (
        <PartView key={index} part={part} writing={writing} />
      ))}
      {state === 'incomplete' && <p className="soft">This answer was not completed.</p>}
    </article>
  )
}

function PartView({ part, writing }: { part: Part; writing: boolean }) {
  if (part.type === 'text')
    return (
      <p className="text" data-writing={writing && part.state === 'streaming'}>
        {part.text}
      </p>
    )
  if (!isToolUIPart(part)) return null
  return (
    <div className="tool" data-state={part.state}>
      <span className="tool-name">{getToolName(part)}</span>
      <code>{JSON.stringify(part.input)}</code>
      {part.state === 'output-available' && <code>{JSON.stringify(part.output)}</code>}
      {part.state !== 'output-available' && writing && <span className="soft">running…</span>}
    </div>
  )
}

function isComplete(part: Part): boolean {
  if (isToolUIPart(part)) return part.state === 'output-available' || part.state === 'output-error'
  return part.type !== 'text' || part.state !== 'streaming'
}
