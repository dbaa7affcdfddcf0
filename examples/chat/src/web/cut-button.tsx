import { useCallback } from 'react'
import { useCut } from './cut.ts'
import { connection } from './line.ts'

/** A button that cuts the connection, to see that nothing is lost. */
export function CutButton() {
  const { secondsLeft, cut } = useCut(useCallback(() => connection.retryNow(), []))
  return (
    <div className="cut">
      <button type="button" disabled={secondsLeft > 0} onClick={cut}>
        {secondsLeft > 0 ? `Cut for ${secondsLeft} s` : 'Cut my connection'}
      </button>
      <p>What is written meanwhile, by you and by others, arrives afterwards: once and in order.</p>
    </div>
  )
}
