import type { PresenceRow } from '../ports/presence.ts'
import { child } from './log.ts'
import type { Operations } from './operations.ts'

/** A page where the caller names no limit; small, so that callers meet second pages. */
const pageRows = 1_000

/** The members of topics, and when each topic's leases are looked through next. */
export function createPresence() {
  const topics = new Map<string, Map<string, PresenceRow>>()
  const sweeps = new Map<string, { readonly at: number; readonly expires: number }>()

  const operations: Operations<
    'putPresence' | 'deletePresence' | 'readPresence' | 'readPresences' | 'readSweep' | 'moveSweep'
  > = {
    putPresence(row, over) {
      const rows = child(topics, row.topic)
      const standing = rows.get(row.member)
      if (standing?.mark === over) {
        rows.set(row.member, row)
        return { status: 'put' }
      }
      return standing?.mark === row.mark ? { status: 'put' } : { status: 'standing', row: standing }
    },
    deletePresence({ topic, member, mark }) {
      const standing = topics.get(topic)?.get(member)
      if (standing !== undefined && standing.mark !== mark) return { status: 'standing', row: standing }
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
    readSweep: (topic) => sweeps.get(topic)?.at ?? 0,
    moveSweep(topic, { from, to, expires }) {
      if ((sweeps.get(topic)?.at ?? 0) !== from) return 'standing'
      sweeps.set(topic, { at: to, expires })
      return 'moved'
    },
  }
  return { operations, tables: () => [...topics.values(), sweeps] }
}
