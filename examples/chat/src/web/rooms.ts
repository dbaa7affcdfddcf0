import { useSyncExternalStore } from 'react'

/** The rooms that are always listed, in this order. */
const fixedRooms = ['lobby', 'random', 'help'] as const

const key = 'trunkline-chat.rooms'
const keptRooms = 12

/** A room's name in the URL: lower case, dashes instead of blanks, at most 40 characters. */
export function roomName(typed: string): string {
  return typed.trim().toLowerCase().replace(/^#+/, '').replace(/\s+/g, '-').slice(0, 40)
}

/** The room in the URL; the lobby when there is none. */
export function useRoom(): string {
  return useSyncExternalStore(subscribeHash, roomOfHash)
}

function subscribeHash(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  return () => removeEventListener('hashchange', listener)
}

function roomOfHash(): string {
  try {
    return roomName(decodeURIComponent(location.hash.slice(1))) || fixedRooms[0]
  } catch {
    return fixedRooms[0] // an invalid escape in a pasted URL
  }
}

export const roomHref = (room: string): string => `#${encodeURIComponent(room)}`

/** The fixed rooms and those that were visited from this browser, including the current one. */
export function knownRooms(present: string): readonly string[] {
  const visited = (localStorage.getItem(key) ?? '').split('\n').filter((room) => room !== '')
  return [...new Set<string>([...fixedRooms, ...visited, present])]
}

export function rememberRoom(room: string): void {
  const visited = knownRooms(room).slice(fixedRooms.length)
  localStorage.setItem(key, visited.slice(-keptRooms).join('\n'))
}
