const shortestMs = 100 // so that a server that drops everybody is not met by everybody at once
const longestMs = 30_000 // 30 s: a user who waits longer reloads

/** Full jitter: uniform between 0.1 s and a ceiling that doubles from 0.5 s to 30 s. `attempt` counts from 1, `chance` is uniform in [0, 1). */
export function backoffMs(attempt: number, chance: number): number {
  const ceiling = Math.min(longestMs, 500 * 2 ** (Math.min(attempt, 16) - 1))
  return Math.round(shortestMs + chance * (ceiling - shortestMs))
}
