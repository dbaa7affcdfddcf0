const minMs = 100 // 0.1 s: clients that were dropped at the same moment do not all reconnect at once
const maxMs = 30_000 // 30 s: users reload the page when they wait longer

/**
 * Full jitter: uniform between 0.1 s and a ceiling that doubles from 0.5 s to 30 s. `attempt` counts from 1, `chance`
 * is uniform in [0, 1).
 */
export function backoffMs(attempt: number, chance: number): number {
  const ceiling = Math.min(maxMs, 500 * 2 ** (Math.min(attempt, 16) - 1))
  return Math.round(minMs + chance * (ceiling - minMs))
}
