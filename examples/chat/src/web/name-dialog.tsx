import { useEffect, useRef } from 'react'
import { NameForm } from './name-form.tsx'

/** The name form over the page. The browser's dialog keeps the focus inside and restores it afterwards. */
export function NameDialog(props: { name: string; onDone: (name: string) => void; onCancel: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} className="dialog" aria-label="Choose a name" onClose={props.onCancel}>
      <NameForm action="Use it" initial={props.name} onDone={props.onDone} />
      <button type="button" className="link" onClick={() => dialog.current?.close()}>
        Cancel
      </button>
    </dialog>
  )
}
