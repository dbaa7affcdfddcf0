import type { Kernel } from './kernel.ts'

/** Timers for a library whose timers cannot be injected. In a schedule they use the kernel. */
export interface VirtualTimers {
  readonly setTimeout: (fn: (...args: readonly unknown[]) => void, ms?: number) => object
  readonly clearTimeout: (timer: unknown) => void
}

/** Creates timers that use virtual time. */
export function createVirtualTimers(kernel: Kernel): VirtualTimers {
  const undo = new WeakMap<object, () => void>()
  return {
    setTimeout(fn, ms = 0) {
      const timer = {}
      undo.set(timer, kernel.after(ms, 'timer of a library', fn))
      return timer
    },
    clearTimeout(timer) {
      if (typeof timer === 'object' && timer !== null) undo.get(timer)?.()
    },
  }
}
