import { connectionState, describe } from './connection-state.ts'
import { useStore } from './use-store.ts'

/** The title, the state of the connection, and what went wrong. */
export function Head({ title, problem }: { title: string; problem: string | null }) {
  const { tone, text } = describe(useStore(connectionState))
  return (
    <>
      <header className="head">
        <h1>{title}</h1>
        <span className="badge" data-tone={tone} role="status">
          {text}
        </span>
      </header>
      <p className="problem" role="alert">
        {problem}
      </p>
    </>
  )
}
