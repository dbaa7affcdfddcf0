import type { ConnectionState } from '@trunkline/client'
import { useEffect, useState } from 'react'
import { describeConnection } from '../words/connection.ts'
import { connection } from './line.ts'

/** A problem apart from the connection or the result of a command, and an action for it. */
export interface Notice {
  readonly text: string
  /** @default 'broken' */
  readonly tone?: 'calm' | 'broken'
  readonly action?: { readonly label: string; readonly run: () => void }
}

interface StatusLineProps {
  readonly state: ConnectionState
  readonly notice: Notice | null
  readonly typing: string
  readonly onRename: () => void
}

/**
 * The line above the composer: a problem, else the users who are typing, else what is unusual. It is always present,
 * so the layout does not jump.
 */
export function StatusLine({ state, notice, typing, onRename }: StatusLineProps) {
  const words = describeConnection(state, useNow(state.status === 'reconnecting'))
  if (words.trouble !== null) {
    return (
      <div className="status" data-tone={words.tone}>
        <span role="timer" aria-live="off">
          {words.trouble}
        </span>
        {/* Announced once, not at each second of the countdown. */}
        <span className="unseen" role="status">
          {words.short}
        </span>
        {words.canTryNow && (
          <button type="button" className="link" onClick={() => connection.retryNow()}>
            Try now
          </button>
        )}
        {state.status === 'closed' && <WayBack state={state} onRename={onRename} />}
      </div>
    )
  }
  const isTyping = notice === null && (words.note === null || typing !== '')
  const tone = isTyping ? 'calm' : notice === null ? words.tone : (notice.tone ?? 'broken')
  return (
    <div className="status" data-tone={tone} role="status">
      <span className={isTyping ? 'clip' : undefined}>{isTyping ? typing : (notice?.text ?? words.note)}</span>
      {notice?.action !== undefined && (
        <button type="button" className="link" onClick={notice.action.run}>
          {notice.action.label}
        </button>
      )}
    </div>
  )
}

function WayBack({ state, onRename }: { state: ConnectionState & { status: 'closed' }; onRename: () => void }) {
  if (state.cause.code === 'refused') {
    return (
      <button type="button" className="link" onClick={onRename}>
        Choose another name
      </button>
    )
  }
  return (
    <button type="button" className="link" onClick={() => connection.restart()}>
      Connect again
    </button>
  )
}

/** The current time, four times a second while `ticking`. */
function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!ticking) return
    const tick = () => setNow(Date.now())
    tick()
    const timer = setInterval(tick, 250)
    return () => clearInterval(timer)
  }, [ticking])
  return now
}
