import type { SessionState } from './state.ts'

/**
 * The delay before attempt `attempt`, which counts from 1: uniform between `minMs` and a ceiling that grows from
 * 5 × `minMs` to `maxMs` (full jitter). Clients that were dropped at the same moment do not all reconnect at once.
 */
export function backoffMs(
  { state, chance }: { readonly state: Pick<SessionState, 'settings'>; readonly chance: number },
  attempt: number,
): number {
  const { minMs, maxMs, factor } = state.settings.backoff
  const ceiling = Math.min(maxMs, 5 * minMs * factor ** (attempt - 1))
  return Math.round(minMs + chance * (ceiling - minMs))
}
