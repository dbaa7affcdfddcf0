import { type FormEvent, useState } from 'react'

interface ComposerProps {
  readonly writing: boolean
  readonly disabled: boolean
  readonly onSubmit: (text: string) => void
  readonly onStop: () => void
}

/** The input field. While an answer is written, its button stops it. */
export function Composer({ writing, disabled, onSubmit, onStop }: ComposerProps) {
  const [text, setText] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (writing || disabled || text.trim() === '') return
    onSubmit(text.trim())
    setText('')
  }
  return (
    <form className="composer" onSubmit={submit}>
      <label htmlFor="question" className="unseen">
        Your question
      </label>
      <input
        id="question"
        value={text}
        maxLength={4_000}
        placeholder="Ask something"
        autoComplete="off"
        enterKeyHint="send"
        onChange={(event) => setText(event.target.value)}
      />
      {writing ? (
        <button type="button" onClick={onStop}>
          Stop
        </button>
      ) : (
        <button type="submit" className="primary" disabled={disabled || text.trim() === ''}>
          Ask
        </button>
      )}
    </form>
  )
}
