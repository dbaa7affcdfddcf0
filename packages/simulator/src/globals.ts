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

/** Makes each of these throw until the returned function is called: a schedule that uses one would not repeat itself. */
export function sealGlobals(): () => void {
  const undo = places.map(([owner, name]) => {
    const before = Object.getOwnPropertyDescriptor(owner, name)
    const refuse = () => {
      throw new Error(`A schedule used ${name}, which no seed decides.`)
    }
    Object.defineProperty(owner, name, { value: refuse, configurable: true, writable: true })
    return () =>
      before === undefined ? Reflect.deleteProperty(owner, name) : Object.defineProperty(owner, name, before)
  })
  return () => {
    for (const restore of undo) restore()
  }
}
