import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** The place in a log, kept in a file over restarts. */
export interface CursorFile {
  /** The stored cursor, or null if there is none. */
  read(): string | null
  /** Replaces the cursor. A crash in between keeps the one before. */
  write(cursor: string): void
}

export function openCursorFile(path: string): CursorFile {
  return {
    read() {
      try {
        return readFileSync(path, 'utf8')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw error
      }
    },
    write(cursor) {
      writeFileSync(`${path}.new`, cursor)
      renameSync(`${path}.new`, path)
    },
  }
}
