import { type FormEvent, useId, useState } from 'react'
import { guestName } from '../server/schemas.ts'

interface NameFormProps {
  readonly initial: string
  /** The label of the button. */
  readonly action: string
  readonly onDone: (name: string) => void
}

/** Asks for a name and checks it by the server's rule. */
export function NameForm({ initial, action, onDone }: NameFormProps) {
  const [typed, setTyped] = useState(initial)
  const [problem, setProblem] = useState<string | null>(null)
  const id = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const name = guestName.safeParse(typed)
    if (name.success) onDone(name.data)
    else setProblem(name.error.issues[0]?.message ?? 'Choose another name')
  }
  return (
    <form className="name-form" onSubmit={submit} noValidate>
      <label htmlFor={id}>Your name</label>
      <div className="field-row">
        <input
          id={id}
          value={typed}
          // biome-ignore lint/a11y/noAutofocus: the one field of a page or dialog that was opened to fill it in
          autoFocus
          autoComplete="nickname"
          aria-invalid={problem !== null}
          aria-describedby={`${id}-problem`}
          onChange={(event) => {
            setTyped(event.target.value)
            setProblem(null)
          }}
        />
        <button type="submit" className="primary">
          {action}
        </button>
      </div>
      <p id={`${id}-problem`} className="problem" role="alert">
        {problem}
      </p>
    </form>
  )
}
