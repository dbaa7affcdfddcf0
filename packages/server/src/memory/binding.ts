import type { LineBinding } from '../ports/binding.ts'
import type { Clock } from '../ports/clock.ts'
import { createMemoryStore } from './store.ts'

/** A binding whose state lives in this process and ends with it. It has no gateway and no invoker: add those that the test needs. */
export function memoryBinding(options: { readonly clock?: Clock } = {}): LineBinding {
  return { store: createMemoryStore(options), ...options }
}
