import { type FormEvent, type ReactNode, useState } from 'react'

interface ComposerProps {
  readonly label: string
  readonly maxLength: number
  /** The buttons. One has the type `submit`. */
  readonly children: ReactNode
  /** Whether a text may be submitted now. */
  readonly isReady?: boolean
  readonly onSubmit: (text: string) => void
  readonly onType?: () => void
}

/** A field whose text is submitted, after which it is empty again. */
export function Composer({ label, maxLength, children, isReady = true, onSubmit, onType }: ComposerProps) {
  const [text, setText] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isReady) return
    onSubmit(text)
    setText('')
  }
  return (
    <form className="composer" onSubmit={submit}>
      <input
        aria-label={label}
        placeholder={label}
        maxLength={maxLength}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          onType?.()
        }}
      />
      {children}
    </form>
  )
}
