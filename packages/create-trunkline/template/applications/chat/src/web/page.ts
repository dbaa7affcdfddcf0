import { type Chat, joinChat } from './join-chat.ts'
import { client, savedName } from './line.ts'
import { createStore, type Store } from './store.ts'
import './page.css'

const room = decodeURIComponent(location.hash.slice(1)) || 'lobby'

const joined = createStore<Chat | null>(null)

/** The room, once the person has a name. */
export const chat: Store<Chat | null> = joined

export function enter(name: string): void {
  savedName.set(name)
  join(name)
  // the form that had the focus is gone once the room is shown
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.composer input')?.focus())
}

function join(name: string): void {
  joined.update(() => joinChat(client, room, name))
}

/** Forgets the name and asks for another one. */
export function leave(): void {
  savedName.forget()
  location.reload()
}

const known = savedName.get()
if (known !== null) join(known)

/** The time of a message, as the reader’s country writes it. */
export const timeOf = (at: number): string =>
  new Date(at).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' })

export function typingText(typists: readonly string[]): string {
  if (typists.length === 0) return ''
  return `${new Intl.ListFormat('en').format(typists)} ${typists.length === 1 ? 'is' : 'are'} typing…`
}
