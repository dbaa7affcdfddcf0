import { useSyncExternalStore } from 'react'

/** Who sits here: a name, `null` for someone who only reads, `undefined` for someone not asked yet. */
export type Identity = string | null | undefined

const key = 'trunkline-chat.name'
const listeners = new Set<() => void>()
let current: Identity = localStorage.getItem(key) ?? undefined

/** The name now, for the token of the next connect. */
export const currentName = (): string | null => current ?? null

/** Remembers the name in this browser; `null` means reading along without one. */
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
