import type { Backend } from '../ports/backend.ts'
import type { Clock } from '../ports/clock.ts'
import { createMemoryStore } from './store.ts'

/**
 * A backend whose state lives in this process and ends with it. It has no gateway and no invoker: add those that the
 * test needs.
 */
export function memoryBackend(options: { readonly clock?: Clock } = {}): Backend {
  return { store: createMemoryStore(options), ...options }
}
