import { useRef } from 'react'
import { Avatar } from './avatar.tsx'
import type { Member } from './members.ts'
import type { Typists } from './typists.ts'

interface MembersProps {
  readonly members: readonly Member[]
  readonly me: string | null
  readonly typists: Typists
}

/** The list of members next to the room. */
export function MembersPanel(props: MembersProps) {
  return (
    <aside className="members" aria-label="Who is here">
      <h3>{countWords(props.members.length)}</h3>
      <MemberList {...props} />
    </aside>
  )
}

/** On a phone: the number of members, and the list on a sheet. */
export function MembersButton(props: MembersProps) {
  const sheet = useRef<HTMLDialogElement>(null)
  const count = props.members.length
  return (
    <>
      <button
        type="button"
        className="members-button"
        aria-haspopup="dialog"
        aria-label={`${countWords(count)}. Show who`}
        onClick={() => sheet.current?.showModal()}
      >
        {count} here
      </button>
      <dialog ref={sheet} className="sheet" aria-label="Who is here">
        <div className="sheet-head">
          <h3>{countWords(count)}</h3>
          <button type="button" onClick={() => sheet.current?.close()}>
            Close
          </button>
        </div>
        <MemberList {...props} />
      </dialog>
    </>
  )
}

function MemberList({ members, me, typists }: MembersProps) {
  return (
    <ul className="member-list">
      {members.map(({ member, name, away }) => (
        <li key={member} className="member" data-away={away}>
          <Avatar name={name} />
          <span className="clip">
            {name}
            {name === me && <span className="self"> (you)</span>}
          </span>
          <span className="doing">{typists.has(name) ? 'typing…' : away ? 'away' : ''}</span>
        </li>
      ))}
    </ul>
  )
}

function countWords(count: number): string {
  if (count === 0) return 'Nobody is here'
  return `${count} here`
}
