import { type FormEvent, useState } from 'react'

/** A form for a new card in the first column. */
export function AddCard({ onAdd }: { onAdd: (title: string) => void }) {
  const [title, setTitle] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (title.trim() === '') return
    onAdd(title.trim())
    setTitle('')
  }
  return (
    <form className="add" onSubmit={submit}>
      <input
        aria-label="New card"
        placeholder="New card"
        maxLength={200}
        value={title}
        onChange={(event) => setTitle(event.target.value)}
      />
      <button type="submit" className="primary" disabled={title.trim() === ''}>
        Add
      </button>
    </form>
  )
}
