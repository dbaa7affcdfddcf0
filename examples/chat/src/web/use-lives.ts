import { useEffect, useState } from 'react'
import { connection } from './line.ts'

/**
 * How often the connection was restarted after it was closed. Subscriptions end with a closed connection, so the page
 * uses this number as a key.
 */
export function useLives(): number {
  const [lives, setLives] = useState(0)
  useEffect(() => {
    let ended = connection.state.status === 'closed'
    return connection.subscribe(({ status }) => {
      if (ended && status !== 'closed') setLives((before) => before + 1)
      ended = status === 'closed'
    })
  }, [])
  return lives
}
