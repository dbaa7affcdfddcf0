import type { CancelTimer, LocalClock } from '../../clock.ts'

/** Why the gateway closed a connection by itself. */
export type Expiry = 'idle' | 'lifetime'

/** [TL-LIM-6] Calls `expire` once a connection was silent for `idleMs` or is `lifetimeMs` old. One timer for each connection: activity moves no timer, the timer looks when it falls due. */
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
