import { useSyncExternalStore } from 'react'

/** The rooms that are always there, in this order. */
export const fixedRooms = ['lobby', 'random', 'help'] as const

const key = 'trunkline-chat.rooms'
const keptRooms = 12

/** A room's name as it stands in the address: lower case, dashes for blanks, at most 40 characters. */
export function roomName(typed: string): string {
  return typed.trim().toLowerCase().replace(/^#+/, '').replace(/\s+/g, '-').slice(0, 40)
}

/** The room that the address names; the lobby when it names none. */
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
    return fixedRooms[0] // a mangled escape in a pasted address
  }
}

export const roomHref = (room: string): string => `#${encodeURIComponent(room)}`

/** The fixed rooms and those visited from this browser, the present one among them. */
export function knownRooms(present: string): readonly string[] {
  const visited = (localStorage.getItem(key) ?? '').split('\n').filter((room) => room !== '')
  return [...new Set<string>([...fixedRooms, ...visited, present])]
}

export function rememberRoom(room: string): void {
  const visited = knownRooms(room).slice(fixedRooms.length)
  localStorage.setItem(key, visited.slice(-keptRooms).join('\n'))
}
