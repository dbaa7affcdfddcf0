import { type FormEvent, useEffect, useRef, useState } from 'react'
import { Avatar } from './avatar.tsx'
import { CutButton } from './cut-button.tsx'
import { knownRooms, roomHref, roomName } from './rooms.ts'

interface RoomsPanelProps {
  readonly room: string
  readonly me: string | null
  /** On a phone, the panel covers the room while it is open. */
  readonly open: boolean
  readonly onClose: () => void
  readonly onRename: () => void
}

/** The list of rooms, a form for another room, and the user's name. */
export function RoomsPanel({ room, me, open, onClose, onRename }: RoomsPanelProps) {
  const panel = useRef<HTMLElement>(null)
  useEffect(() => {
    if (!open) return
    const before = document.activeElement
    panel.current?.querySelector<HTMLElement>('[aria-current]')?.focus()
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && onClose()
    addEventListener('keydown', onKey)
    return () => {
      removeEventListener('keydown', onKey)
      if (before instanceof HTMLElement) before.focus()
    }
  }, [open, onClose])
  return (
    <>
      {open && <button type="button" className="scrim" aria-label="Close the list of rooms" onClick={onClose} />}
      <aside ref={panel} className="panel" data-open={open}>
        <h1 className="brand">Chat</h1>
        <nav aria-label="Rooms">
          <ul className="rooms">
            {knownRooms(room).map((known) => (
              <li key={known}>
                <a href={roomHref(known)} aria-current={known === room ? 'page' : undefined} onClick={onClose}>
                  <span className="hash" aria-hidden="true">
                    #
                  </span>
                  <span className="clip">{known}</span>
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <CutButton />
        <RoomForm onDone={onClose} />
        <footer className="me">
          {me !== null && <Avatar name={me} />}
          <span className="clip">{me ?? 'Reading along'}</span>
          <button type="button" className="link" onClick={onRename}>
            {me === null ? 'Choose a name' : 'Change'}
          </button>
        </footer>
      </aside>
    </>
  )
}

/** Opens a room by its name. A room needs no creation. */
function RoomForm({ onDone }: { onDone: () => void }) {
  const [typed, setTyped] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const name = roomName(typed)
    if (name === '') return
    location.hash = roomHref(name)
    setTyped('')
    onDone()
  }
  return (
    <form className="room-form" onSubmit={submit}>
      <label htmlFor="room-name">Another room</label>
      <div className="field-row">
        <input
          id="room-name"
          value={typed}
          maxLength={40}
          placeholder="its-name"
          autoComplete="off"
          onChange={(event) => setTyped(event.target.value)}
        />
        <button type="submit">Go</button>
      </div>
    </form>
  )
}
