import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { EraseState } from '@trunkline/server/erase'

/** What the file of an erasure holds: the state to continue from, and the table that it is about. */
interface SavedErasure {
  readonly table: string
  readonly state: EraseState
}

/**
 * Reads the file of an erasure. Throws an `Error` that says what is wrong: no such file, another content, or another
 * table.
 */
export function readState(file: string, table: string): EraseState {
  const saved = parse(file)
  if (saved.table !== table)
    throw new Error(
      `Expected ${file} to continue an erasure in the table ${table}, got one of ${saved.table}. Set TRUNKLINE_TABLE to that table.`,
    )
  return saved.state
}

function parse(file: string): SavedErasure {
  let saved: Partial<SavedErasure> | null
  try {
    saved = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(
      `Expected ${file} to be the file of an erasure that was stopped, got ${(cause as Error).message}. Pass the file that the command named.`,
      { cause },
    )
  }
  const { table, state } = saved ?? {}
  if (typeof table !== 'string' || state?.version !== 1 || typeof state.of !== 'object')
    throw new Error(
      `Expected ${file} to be the file of an erasure that was stopped, got other JSON. Pass the file that the command named.`,
    )
  return { table, state }
}

/** Writes the file as a whole or not at all. Only its owner can read it, since it names whom the erasure is about. */
export function writeState(file: string, saved: SavedErasure): void {
  const temporary = `${file}.new`
  writeFileSync(temporary, `${JSON.stringify(saved)}\n`, { mode: 0o600 })
  renameSync(temporary, file)
}

/** Deletes the file of an erasure that is done. */
export function deleteState(file: string): void {
  for (const each of [file, `${file}.new`]) rmSync(each, { force: true })
}
