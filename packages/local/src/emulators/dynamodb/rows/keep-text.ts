import { createRequire } from 'node:module'
import { requireDynalite } from './dynalite.ts'

type MemoryLevel = new (options: object) => object

/**
 * Loads dynalite's store so that it keeps rows in memory as strings. Buffers, the default, share slabs of 8 KB when
 * they are small: one row that is kept retains its whole slab.
 */
export function keepText<T>(load: () => T): T {
  const level: { MemoryLevel: MemoryLevel } = createRequire(requireDynalite.resolve('dynalite'))('memory-level')
  const original = level.MemoryLevel
  level.MemoryLevel = class extends original {
    constructor(options: object) {
      super({ ...options, storeEncoding: 'utf8' })
    }
  }
  try {
    return load()
  } finally {
    level.MemoryLevel = original // other users of memory-level in this process must not be affected
  }
}
