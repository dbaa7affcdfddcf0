import type { UploadRow } from '../ports/store.ts'
import type { Operations } from './operations.ts'

interface PartRow {
  readonly text: string
  readonly expires: number
}
/** Which parts were noted is known by their places. */
interface Row extends Omit<UploadRow, 'noted'> {
  readonly parts: ReadonlySet<number>
}

const nameOf = (connectionId: string, message: string, part?: number) => JSON.stringify([connectionId, message, part])

/** Messages that come in chunks, and their parts. */
export function createUploads() {
  const uploads = new Map<string, Row>()
  const texts = new Map<string, PartRow>()

  const operations: Operations<'putPart' | 'notePart' | 'claimUpload' | 'readParts'> = {
    putPart({ connectionId, message, part, ...row }) {
      const name = nameOf(connectionId, message, part)
      const standing = texts.get(name)
      if (standing === undefined || standing.text === row.text) texts.set(name, row)
      return standing === undefined || standing.text === row.text ? 'put' : 'differs'
    },
    notePart({ part, ...declared }) {
      const name = nameOf(declared.connectionId, declared.message)
      const standing = uploads.get(name) ?? { ...declared, parts: new Set() }
      if (standing.of !== declared.of || standing.bytes !== declared.bytes)
        return { status: 'refused', row: toUpload(standing) }
      const row = { ...standing, parts: new Set(standing.parts).add(part) }
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
  return { operations, tables: () => [uploads, texts] }
}

function toUpload({ parts, ...row }: Row): UploadRow {
  return { ...row, noted: parts.size }
}
