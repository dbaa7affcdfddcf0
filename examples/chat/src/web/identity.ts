import { useSyncExternalStore } from 'react'

/** The user: a name, `null` for a visitor who only reads, `undefined` before the choice. */
export type Identity = string | null | undefined

const key = 'trunkline-chat.name'
const listeners = new Set<() => void>()
let current: Identity = localStorage.getItem(key) ?? undefined

/** The current name, for which the next token is requested. */
export const currentName = (): string | null => current ?? null

/** Stores the name in this browser; `null` for a visitor who only reads. */
export function chooseName(name: string | null): void {
  current = name
  if (name === null) localStorage.removeItem(key)
  else localStorage.setItem(key, name)
  for (const listener of listeners) listener()
}

export function useIdentity(): Identity {
  return useSyncExternalStore(subscribe, () => current)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
