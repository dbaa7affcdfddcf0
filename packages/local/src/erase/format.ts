import type { EraseCounts, EraseProgress, EraseReport } from '@trunkline/server/erase'

/** One line: `rows: 1200 done, about 3800 left, 240.5 a second`. */
export function formatProgress({ step, done, left, perSecond }: EraseProgress): string {
  const about = step === 'rows' ? 'about ' : '' // the table's count may be hours old
  return `${step}: ${done} done, ${about}${left} left, ${perSecond} a second`
}

/** What each count means, in the order of the report. */
const labels: Readonly<Record<keyof EraseCounts, string>> = {
  connections: 'connections closed and emptied',
  subscriptions: 'rows of subscriptions deleted',
  keys: 'outcomes of mutations removed',
  runs: 'rows of runs and rates deleted',
  uploads: 'rows of large messages deleted',
  members: 'members of presence removed',
  events: 'events whose data was removed',
  runningKeys: 'mutations that still run: their outcomes come later, so run the command again',
  failed: 'connections that the gateway did not close: run the command again',
}

/** The lines of the report. Problems are left out where there are none. */
export function formatReport({ status, of, counts }: EraseReport): readonly string[] {
  const subject = 'principal' in of ? `principal ${of.principal}` : `topic ${of.topic}`
  const isTopic = 'topic' in of
  const names = Object.keys(labels) as (keyof EraseCounts)[]
  const shown = names.filter((name) => {
    if (name === 'runningKeys' || name === 'failed') return counts[name] > 0
    return !isTopic || name === 'members' || name === 'events'
  })
  const isEmpty = isTopic && shown.every((name) => counts[name] === 0)
  return [
    `${status === 'done' ? 'erased' : 'stopped erasing'} ${subject}`,
    ...shown.map((name) => `  ${String(counts[name]).padStart(8)} ${labels[name]}`),
    ...(isEmpty && status === 'done' ? ['  The topic holds nothing to erase. Check its name.'] : []),
  ]
}
