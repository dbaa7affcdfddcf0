import type { PresenceRow, PresenceSessionRow, PresenceStore } from '../ports/presence.ts'
import { child, type DeleteExpired, deleteExpiredIn, type Operations } from './operations.ts'

const pageRows = 1_000 // a page without a limit; small, so that tests meet second pages

/** The port of presence in memory. */
export function createPresence() {
  const topics = new Map<string, Map<string, PresenceRow>>()
  const sessions = new Map<string, Map<string, PresenceSessionRow>>()

  const operations: Operations<keyof PresenceStore> = {
    putPresence(row, over) {
      const rows = child(topics, row.topic)
      const existing = rows.get(row.member)
      if (existing?.mark === over) {
        rows.set(row.member, row)
        return { status: 'put' }
      }
      return existing?.mark === row.mark ? { status: 'put' } : { status: 'conflict', row: existing }
    },
    deletePresence({ topic, member, mark }) {
      const existing = topics.get(topic)?.get(member)
      if (existing !== undefined && existing.mark !== mark) return { status: 'conflict', row: existing }
      topics.get(topic)?.delete(member)
      return { status: 'deleted' }
    },
    readPresence: (topic, member) => topics.get(topic)?.get(member),
    readPresences(topic, { limit = pageRows, from = '' } = {}) {
      const rows = [...(topics.get(topic)?.values() ?? [])]
      const sorted = rows.filter(({ member }) => member > from).sort((a, b) => (a.member < b.member ? -1 : 1))
      const page = sorted.slice(0, limit)
      const next = page.at(-1)?.member
      return { rows: page, ...(next !== undefined && sorted.length > limit && { next }) }
    },
    putPresenceSession(row) {
      const existing = sessions.get(row.topic)?.get(row.entry)
      if (existing === undefined || existing.ref <= row.ref) child(sessions, row.topic).set(row.entry, row)
    },
    deletePresenceSession({ topic, entry, member, ref }) {
      const existing = sessions.get(topic)?.get(entry)
      if (existing?.member === member && existing.ref <= ref) sessions.get(topic)?.delete(entry)
    },
    readPresenceSessions: (topic, prefix, limit) =>
      [...(sessions.get(topic)?.values() ?? [])]
        .filter(({ entry }) => entry.startsWith(prefix))
        .sort((a, b) => (a.entry < b.entry ? -1 : 1))
        .slice(0, limit),
  }
  const dropExpired: DeleteExpired = (isDue) => {
    deleteExpiredIn(topics, isDue)
    deleteExpiredIn(sessions, isDue)
  }
  return { operations, deleteExpired: dropExpired }
}
