import type { VirtualTimers } from './virtual-timers.ts'

/** What would bring the machine's own time, chance or I/O into a schedule. */
const places = [
  [Date, 'now'],
  [Math, 'random'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'fetch'],
  [globalThis, 'WebSocket'],
  [Object.getPrototypeOf(globalThis.crypto) as object, 'getRandomValues'],
] as const

/** Makes each of these throw until the returned function is called: a schedule that uses one would not repeat itself. With `timers`, those stand in for the machine's: tRPC's client takes none. */
export function sealGlobals(timers?: VirtualTimers): () => void {
  const given: Readonly<Record<string, unknown>> = { ...timers }
  const all = timers === undefined ? places : [...places, [globalThis, 'clearTimeout'] as const]
  const undo = all.map(([owner, name]) => {
    const before = Object.getOwnPropertyDescriptor(owner, name)
    const refuse = () => {
      throw new Error(`A schedule used ${name}, which no seed decides.`)
    }
    Object.defineProperty(owner, name, { value: given[name] ?? refuse, configurable: true, writable: true })
    return () =>
      before === undefined ? Reflect.deleteProperty(owner, name) : Object.defineProperty(owner, name, before)
  })
  return () => {
    for (const restore of undo) restore()
  }
}
