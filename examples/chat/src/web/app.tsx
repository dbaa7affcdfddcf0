import { useEffect, useState } from 'react'
import { chooseName, useIdentity } from './identity.ts'
import { connection } from './line.ts'
import { NameDialog } from './name-dialog.tsx'
import { NameForm } from './name-form.tsx'
import { RoomView } from './room-view.tsx'
import { rememberRoom, useRoom } from './rooms.ts'
import { RoomsPanel } from './rooms-panel.tsx'
import { useLives } from './use-lives.ts'

/** The page: first the choice of a name, then the rooms and the current room. */
export function App() {
  const me = useIdentity()
  const room = useRoom()
  const lives = useLives()
  const [panelOpen, setPanelOpen] = useState(false)
  const [naming, setNaming] = useState(false)
  useEffect(() => rememberRoom(room), [room])

  if (me === undefined) {
    return (
      <main className="welcome">
        <section>
          <h1>Chat</h1>
          <p className="lead">Messages, typing and history over one WebSocket, with no server that stays up.</p>
          <NameForm action="Join" initial="" onDone={chooseName} />
          <button type="button" className="link" onClick={() => chooseName(null)}>
            Just read along
          </button>
        </section>
        <section aria-labelledby="to-try">
          <h2 id="to-try">Three things to try</h2>
          <ol>
            <li>
              <b>Lose the network.</b> Press “Cut my connection” while others write. Afterwards every message is there,
              once and in order.
            </li>
            <li>
              <b>Ask the bot.</b> Write “/ask why is no message lost”, and reload the page in the middle of its answer.
            </li>
            <li>
              <b>Use two devices.</b> Open this page on another one under the same name. You are one person in the list,
              and Stop works on both.
            </li>
          </ol>
        </section>
      </main>
    )
  }
  const rename = (name: string) => {
    setNaming(false)
    if (name === me) return
    chooseName(name)
    connection.restart() // the token changed, so a new session is needed
  }
  return (
    <div className="app">
      <RoomsPanel
        room={room}
        me={me}
        open={panelOpen}
        onClose={() => setPanelOpen(false)}
        onRename={() => setNaming(true)}
      />
      <RoomView
        key={`${lives} ${room}`}
        room={room}
        me={me}
        covered={panelOpen}
        onOpenPanel={() => setPanelOpen(true)}
        onRename={() => setNaming(true)}
      />
      {naming && <NameDialog name={me ?? ''} onDone={rename} onCancel={() => setNaming(false)} />}
    </div>
  )
}
