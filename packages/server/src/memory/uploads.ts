import type { OpenUpload, UploadRow, UploadStore } from '../ports/uploads.ts'
import { type DeleteExpired, deleteExpired, type Operations } from './operations.ts'

interface PartRow {
  readonly text: string
  readonly expires: number
}

/** A message, with the numbers of the parts that were noted. */
interface Row extends Omit<UploadRow, 'noted'> {
  readonly parts: ReadonlySet<number>
}

/** The open messages of one connection: until when, by their names. */
interface OpenRow {
  readonly untils: ReadonlyMap<string, number>
  readonly expires: number
}

/** The name of a message, or of one of its parts. */
export const nameOf = (connectionId: string, message: string, part?: number) =>
  JSON.stringify([connectionId, message, part])

/** The port of large messages in memory. */
export function createUploads() {
  const uploads = new Map<string, Row>()
  const texts = new Map<string, PartRow>()
  const opened = new Map<string, OpenRow>()

  const operations: Operations<keyof UploadStore> = {
    openUpload({ connectionId, message, until, max, over, expires }) {
      const open = new Map(opened.get(connectionId)?.untils)
      const found = toOpen(open)
      const isCurrent = over.every((overdue) => open.get(overdue.message) === overdue.until)
      for (const overdue of over) open.delete(overdue.message)
      if (!isCurrent || open.has(message) || open.size >= max) return { status: 'refused', open: found }
      opened.set(connectionId, { untils: open.set(message, until), expires })
      return { status: 'opened' }
    },
    closeUpload({ connectionId, message }) {
      const row = opened.get(connectionId)
      if (row === undefined) return
      opened.set(connectionId, { ...row, untils: new Map([...row.untils].filter(([name]) => name !== message)) })
    },
    putPart({ connectionId, message, part, ...row }) {
      const name = nameOf(connectionId, message, part)
      const existing = texts.get(name)
      if (existing === undefined || existing.text === row.text) texts.set(name, row)
      return existing === undefined || existing.text === row.text ? 'put' : 'differs'
    },
    notePart({ part, ...declared }) {
      const name = nameOf(declared.connectionId, declared.message)
      const existing = uploads.get(name) ?? { ...declared, parts: new Set() }
      if (existing.of !== declared.of || existing.bytes !== declared.bytes)
        return { status: 'refused', row: toUpload(existing) }
      const row = { ...existing, parts: new Set(existing.parts).add(part) }
      uploads.set(name, row)
      return { status: 'noted', row: toUpload(row) }
    },
    claimUpload({ connectionId, message, owner }) {
      const name = nameOf(connectionId, message)
      const row = uploads.get(name)
      if (row === undefined || (row.owner ?? owner) !== owner) return 'taken'
      uploads.set(name, { ...row, owner })
      return 'claimed'
    },
    readParts: (connectionId, message, of) =>
      Array.from({ length: of }, (_, part) => texts.get(nameOf(connectionId, message, part))?.text),
  }
  const dropExpired: DeleteExpired = (isDue) => {
    deleteExpired([uploads], isDue)
    deleteExpired([texts], isDue)
    deleteExpired([opened], isDue)
  }
  return { operations, uploads, texts, deleteExpired: dropExpired }
}

/** In the order of the messages' names. */
function toOpen(untils: ReadonlyMap<string, number>): readonly OpenUpload[] {
  return [...untils].map(([message, until]) => ({ message, until })).sort((a, b) => (a.message < b.message ? -1 : 1))
}

function toUpload({ parts, ...row }: Row): UploadRow {
  return { ...row, noted: parts.size }
}
