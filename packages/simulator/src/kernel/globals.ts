import type { VirtualTimers } from './virtual-timers.ts'

/** The globals that would bring the machine's own time, randomness or I/O into a schedule. */
const sealedGlobals = [
  [Date, 'now'],
  [Math, 'random'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'fetch'],
  [globalThis, 'WebSocket'],
  [Object.getPrototypeOf(globalThis.crypto) as object, 'getRandomValues'],
] as const

/**
 * Makes each of these globals throw until the returned function is called, because a schedule that uses one is not
 * reproducible. `timers` replaces the timer globals, for tRPC's client, whose timers cannot be injected.
 */
export function sealGlobals(timers?: VirtualTimers): () => void {
  const given: Readonly<Record<string, unknown>> = { ...timers }
  const all = timers === undefined ? sealedGlobals : [...sealedGlobals, [globalThis, 'clearTimeout'] as const]
  const undo = all.map(([owner, name]) => {
    const before = Object.getOwnPropertyDescriptor(owner, name)
    const refuse = () => {
      throw new Error(
        `Expected a schedule to use no ${name}: its result does not depend on the seed. Use the kernel instead.`,
      )
    }
    Object.defineProperty(owner, name, { value: given[name] ?? refuse, configurable: true, writable: true })
    return () =>
      before === undefined ? Reflect.deleteProperty(owner, name) : Object.defineProperty(owner, name, before)
  })
  return () => {
    for (const restore of undo) restore()
  }
}
