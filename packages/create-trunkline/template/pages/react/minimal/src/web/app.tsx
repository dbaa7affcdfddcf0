import { QueryClientProvider, useMutation } from '@tanstack/react-query'
import { Composer } from './composer.tsx'
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
          <PostNote />
        </main>
      </div>
    </QueryClientProvider>
  )
}

function PostNote() {
  const post = useMutation(trpc.post.mutationOptions())
  return (
    <>
      <Composer
        label="Your note"
        maxLength={500}
        isReady={!post.isPending}
        onSubmit={(text) => {
          if (text.trim() !== '') post.mutate({ room, text })
        }}
      >
        <button type="submit" className="primary" disabled={post.isPending}>
          Post
        </button>
      </Composer>
      {post.isError && (
        <p className="problem">
          Not posted: {post.error.message}{' '}
          <button type="button" className="small" onClick={() => post.mutate(post.variables)}>
            Post again
          </button>
        </p>
      )}
    </>
  )
}
