import type { Backend } from '../ports/backend.ts'
import type { Clock } from '../ports/clock.ts'
import { createMemoryStore } from './store.ts'

/** A backend whose state is in this process. It has no gateway and no invoker: add those that a test needs. */
export function memoryBackend(options: { readonly clock?: Clock } = {}): Backend {
  return { store: createMemoryStore(options), ...options }
}
