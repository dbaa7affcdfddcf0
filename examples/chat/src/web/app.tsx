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
        <h1>Chat</h1>
        <p>Messages, typing and history over one WebSocket, with no server that stays up.</p>
        <NameForm action="Join" initial="" onDone={chooseName} />
        <button type="button" className="link" onClick={() => chooseName(null)}>
          Just read along
        </button>
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
