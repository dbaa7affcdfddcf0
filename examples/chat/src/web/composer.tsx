import { type FormEvent, type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { Message } from '../server/schemas.ts'

const longest = 4_000 // the limit in the schema of a message
const warnBelow = 200

interface ComposerProps {
  readonly room: string
  readonly editing: Message | null
  readonly onSubmit: (text: string) => void
  readonly onTyping: () => void
  readonly onCancel: () => void
  readonly onEditLast: () => void
}

/** The unsent text of each room. It is kept while the user edits a message or visits another room. */
const drafts = new Map<string, string>()

/** The input field. Enter sends, Shift+Enter breaks the line, ArrowUp in an empty field edits the last message. */
export function Composer({ room, editing, onSubmit, onTyping, onCancel, onEditLast }: ComposerProps) {
  const [text, setText] = useState(editing?.text ?? drafts.get(room) ?? '')
  const field = useRef<HTMLTextAreaElement>(null)
  useGrowth(field, text)
  useEffect(() => {
    // On a touch screen, the focus would open the keyboard over the messages.
    if (editing !== null || matchMedia('(hover: hover)').matches) field.current?.focus()
  }, [editing])

  const write = (next: string) => {
    setText(next)
    if (editing === null) drafts.set(room, next)
  }
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    if (text.trim() === '') return
    onSubmit(text.trim())
    write('')
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return // the input method uses Enter to end a composition
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      submit()
    } else if (event.key === 'Escape' && editing !== null) onCancel()
    else if (event.key === 'ArrowUp' && text === '' && editing === null) {
      event.preventDefault()
      onEditLast()
    }
  }
  const left = longest - text.length
  return (
    <form className="composer" onSubmit={submit} data-editing={editing !== null}>
      <label htmlFor="message" className={editing === null ? 'unseen' : 'composer-mode'}>
        {editing === null ? `Message to ${room}` : 'Editing your message'}
      </label>
      <textarea
        id="message"
        ref={field}
        rows={1}
        value={text}
        maxLength={longest}
        placeholder="Write a message, or /ask the bot"
        autoComplete="off"
        enterKeyHint="send"
        onKeyDown={onKeyDown}
        onChange={(event) => {
          write(event.target.value)
          if (event.target.value !== '') onTyping()
        }}
      />
      {left < warnBelow && (
        <span className="left" role="status">
          {left} left
        </span>
      )}
      {editing !== null && (
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      )}
      <button type="submit" className="primary" disabled={text.trim() === ''}>
        {editing === null ? 'Send' : 'Save'}
      </button>
    </form>
  )
}

/** Makes the field as high as its text, up to the maximum in its style. */
function useGrowth(field: { readonly current: HTMLTextAreaElement | null }, text: string): void {
  useLayoutEffect(() => {
    const element = field.current
    if (element === null) return
    element.style.height = 'auto'
    element.style.height = `${text === '' ? 0 : element.scrollHeight + 2}px` // its two borders
  }, [field, text])
}
