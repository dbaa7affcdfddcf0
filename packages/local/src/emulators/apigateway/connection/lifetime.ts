import type { CancelTimer, LocalClock } from '../../clock.ts'

/** The limit by which the gateway closed a connection. */
export type Expiry = 'idle' | 'lifetime'

/**
 * [TL-LIM-6] Calls `expire` when a connection was silent for `idleMs` or is `lifetimeMs` old. Each connection has one
 * timer: activity does not reset it, the timer checks the last activity when it fires.
 */
export function watchLifetime(
  clock: LocalClock,
  limits: { readonly idleMs: number; readonly lifetimeMs: number },
  connection: { readonly connectedAt: number; readonly lastActiveAt: () => number },
  expire: (why: Expiry) => void,
): CancelTimer {
  let cancel: CancelTimer = () => {}
  const look = () => {
    const endAt = connection.connectedAt + limits.lifetimeMs
    const idleAt = connection.lastActiveAt() + limits.idleMs
    const now = clock.now()
    if (now >= endAt) return expire('lifetime')
    if (now >= idleAt) return expire('idle')
    cancel = clock.after(Math.min(endAt, idleAt) - now, look)
  }
  look()
  return () => cancel()
}
