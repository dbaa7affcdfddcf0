import { QueryClientProvider, useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Head } from './head.tsx'
import { notes, room, timeOf } from './page.ts'
import { queryClient, trpc } from './trpc.ts'
import { useStore } from './use-store.ts'

export function App() {
  const { notes: shown, problem } = useStore(notes)
  return (
    <QueryClientProvider client={queryClient}>
      <div className="app">
        <Head title={room} problem={problem} />
        <main>
          <div className="scroll" role="log" aria-label="Notes" aria-busy={shown === null} tabIndex={0}>
            <div className="rows">
              {shown?.map(({ id, text, at }) => (
                <p className="row" key={id}>
                  {text} <time className="soft">{timeOf(at)}</time>
                </p>
              ))}
              {shown?.length === 0 && (
                <p className="empty">No notes yet. Open this page in a second window, and write one.</p>
              )}
            </div>
          </div>
          <Composer />
        </main>
      </div>
    </QueryClientProvider>
  )
}

function Composer() {
  const [text, setText] = useState('')
  const post = useMutation(trpc.post.mutationOptions({ onSuccess: () => setText('') }))
  return (
    <>
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim() !== '') post.mutate({ room, text })
        }}
      >
        <input
          aria-label="Your note"
          placeholder="Your note"
          maxLength={500}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="primary" disabled={post.isPending}>
          Post
        </button>
      </form>
      {post.error && <p className="problem">{post.error.message}</p>}
    </>
  )
}
