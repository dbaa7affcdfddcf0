import type { UploadRow, UploadStore } from '../ports/uploads.ts'
import { type DeleteExpired, deleteExpired, type Operations } from './operations.ts'

interface PartRow {
  readonly text: string
  readonly expires: number
}

/** A message, with the numbers of the parts that were noted. */
interface Row extends Omit<UploadRow, 'noted'> {
  readonly parts: ReadonlySet<number>
}

/** The name of a message, or of one of its parts. */
export const nameOf = (connectionId: string, message: string, part?: number) =>
  JSON.stringify([connectionId, message, part])

/** The port of large messages in memory. */
export function createUploads() {
  const uploads = new Map<string, Row>()
  const texts = new Map<string, PartRow>()

  const operations: Operations<keyof UploadStore> = {
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
  }
  return { operations, uploads, texts, deleteExpired: dropExpired }
}

function toUpload({ parts, ...row }: Row): UploadRow {
  return { ...row, noted: parts.size }
}
