import { type LineClient, trunklineError } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { createStore, type Store } from './store.ts'

/** A question with its answer, as far as it is written. */
export interface Exchange {
  readonly id: string
  readonly question: string
  readonly answer: string
  readonly isWriting: boolean
  /** Why the answer is not complete, or null. */
  readonly problem: string | null
}

export interface ConversationState {
  /** Null until the questions have arrived. */
  readonly exchanges: readonly Exchange[] | null
  readonly problem: string | null
}

export interface Conversation {
  readonly state: Store<ConversationState>
  ask(text: string): void
  /** Ends the answer on every page. */
  stop(id: string): void
}

/** A conversation that every page with the same name shows, also after a reload. */
export function followConversation(client: LineClient<AppRouter>, conversation: string): Conversation {
  const store = createStore<ConversationState>({ exchanges: null, problem: null })
  const fail = ({ message }: { readonly message: string }) => store.update((state) => ({ ...state, problem: message }))

  function change(id: string, changed: (exchange: Exchange) => Partial<Exchange>): void {
    store.update(({ exchanges, problem }) => ({
      exchanges:
        exchanges?.map((exchange) => (exchange.id === id ? { ...exchange, ...changed(exchange) } : exchange)) ?? null,
      problem,
    }))
  }

  function addExchange(id: string, question: string): void {
    if (store.get().exchanges?.some((exchange) => exchange.id === id)) return
    const exchange = { id, question, answer: '', isWriting: true, problem: null }
    store.update(({ exchanges, problem }) => ({ exchanges: [...(exchanges ?? []), exchange], problem }))
    watch(id)
  }

  function watch(id: string): void {
    const end = (problem: string | null) => change(id, () => ({ isWriting: false, problem }))
    client.watch.subscribe(
      { conversation, id },
      {
        onData: ({ data }) => change(id, ({ answer }) => ({ answer: answer + data })),
        onGap: () => change(id, () => ({ answer: '' })), // the words come again from the first one
        onOutcome: (outcome) => end(outcome === 'stopped' ? 'This answer was stopped.' : null),
        onError: (error) =>
          end(trunklineError(error)?.code === 'STREAM_LOST' ? 'The answer was cut off. Ask again.' : error.message),
      },
    )
  }

  client.follow.subscribe(
    { conversation },
    {
      onData({ data }) {
        const asked = 'newest' in data ? data.newest.map((event) => event.data) : [data]
        store.update((state) => ({ ...state, exchanges: state.exchanges ?? [] }))
        for (const { id, text } of asked) addExchange(id, text)
      },
      onError: fail,
    },
  )

  return {
    state: store,
    ask(text) {
      if (text.trim() === '') return
      store.update((state) => ({ ...state, problem: null }))
      client.ask.mutate({ conversation, id: crypto.randomUUID(), text: text.trim() }).catch(fail)
    },
    stop: (id) => void client.stop.mutate({ conversation, id }).catch(fail),
  }
}

/** The answer that is being written, if there is one. */
export const writingIn = ({ exchanges }: ConversationState): Exchange | undefined =>
  exchanges?.find(({ isWriting }) => isWriting)
