import type { LineClient } from '@trunkline/client'
import type { AppRouter } from '../server/router.ts'
import { addMessage, addNewest, addOlder, type ChatState, changeMembers, type Draft, emptyChat } from './chat-state.ts'
import { createStore, type Store } from './store.ts'

const announceEveryMs = 2_000
const typingLastsMs = 4_000

/** A room, as one person sees it. */
export interface Chat {
  readonly me: string
  readonly room: string
  readonly state: Store<ChatState>
  /** Shows a message at once and posts it. It is sent again by itself when the connection was lost. */
  post(text: string): void
  /** Posts a draft again that could not be sent. */
  retry(draft: Draft): void
  /** Announces that the person is typing, at most every 2 s. */
  announceTyping(): void
  /** Loads the page before the first row. */
  loadOlder(): Promise<void>
}

/** Joins a room until the page is closed: follows its messages, its members and who is typing. */
export function joinChat(client: LineClient<AppRouter>, room: string, me: string): Chat {
  const store = createStore(emptyChat)
  const { update } = store
  const onError = ({ message }: { readonly message: string }) => update((state) => ({ ...state, problem: message }))
  client.live.subscribe(
    { room },
    {
      onData: ({ data }) => update((state) => ('page' in data ? addNewest(state, data.page) : addMessage(state, data))),
      onError,
    },
  )
  client.here.subscribe({ room }, { onData: ({ data }) => update((state) => changeMembers(state, data)), onError })
  client.onTyping.subscribe({ room }, { onData: ({ author }) => showTyping(author), onError })

  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  function showTyping(author: string): void {
    if (author === me) return
    const setTypists = (isTyping: boolean) =>
      update((state) => {
        const others = state.typists.filter((name) => name !== author)
        return { ...state, typists: isTyping ? [...others, author] : others }
      })
    clearTimeout(timers.get(author))
    timers.set(
      author,
      setTimeout(() => setTypists(false), typingLastsMs),
    )
    setTypists(true)
  }

  const setDraft = (draft: Draft) =>
    update((state) => ({ ...state, drafts: [...state.drafts.filter(({ id }) => id !== draft.id), draft] }))
  function send({ id, text }: Draft): void {
    setDraft({ id, text, problem: null })
    client.post.mutate({ room, id, text }).catch(({ message }: Error) => setDraft({ id, text, problem: message }))
  }

  let announcedAt = 0
  return {
    me,
    room,
    state: store,
    post(text) {
      announcedAt = 0 // the next key begins another message
      if (text.trim() !== '') send({ id: crypto.randomUUID(), text: text.trim(), problem: null })
    },
    retry: send,
    announceTyping() {
      if (Date.now() - announcedAt < announceEveryMs) return
      announcedAt = Date.now()
      client.typing.mutate({ room }, { timeoutMs: announceEveryMs }).catch(() => {}) // it matters for a moment only
    },
    async loadOlder() {
      const { older } = store.get()
      if (older === null) return
      const page = await client.older.query({ room, before: older })
      update((state) => (state.older === older ? addOlder(state, page) : state))
    },
  }
}
