import { existsSync } from 'node:fs'
import type { Application } from '@trunkline/server/internal'
import { UsageError } from '../../stage/usage-error.ts'

export type ProcedureType = 'query' | 'mutation' | 'subscription'

/** Loads what the handlers of a module serve. Undefined without a module. */
export async function loadEntry(entry: string | undefined): Promise<Application | undefined> {
  if (entry === undefined) return undefined
  if (!existsSync(entry))
    throw new UsageError(`The module ${entry} does not exist. Name the module that exports your handlers with --entry.`)
  const { loadApplication } = await import('../../asyncapi/load-application.ts')
  return loadApplication(entry)
}

/**
 * The type of a procedure of an application. Throws a `UsageError` that names the nearest procedure for one that does
 * not exist, and the command for one of another kind.
 */
export async function typeOf(
  { router }: Application,
  path: string,
  { command, types }: { readonly command: 'call' | 'subscribe'; readonly types: readonly ProcedureType[] },
): Promise<ProcedureType> {
  const { proceduresOf } = await import('../../asyncapi/procedures.ts')
  const procedures = await proceduresOf(router)
  const found = procedures.find((each) => each.path === path)
  if (found === undefined) throw new UsageError(`There is no procedure ${path}. ${suggest(path, procedures)}`)
  if (types.includes(found.type)) return found.type
  throw new UsageError(
    `${path} is a ${found.type}. Use trunkline ${command === 'call' ? 'subscribe' : 'call'} ${path}.`,
  )
}

/**
 * Throws a `UsageError` with the nearest procedure for a path that a `trunkline dev` does not have, or with the command
 * for a subscription. Resolves where the module of its handlers is not known, or cannot be loaded.
 */
export async function refuseUnknown(entry: string | undefined, path: string): Promise<void> {
  const application = await loadEntry(entry).catch(() => undefined)
  if (application !== undefined) await typeOf(application, path, { command: 'call', types: ['query', 'mutation'] })
}

function suggest(path: string, procedures: readonly { readonly path: string }[]): string {
  const nearest = nearestOf(
    path,
    procedures.map((each) => each.path),
  )
  if (nearest !== undefined) return `Did you mean ${nearest}?`
  return procedures.length === 0
    ? 'The router has none.'
    : `The router has ${procedures.map((each) => each.path).join(', ')}.`
}

/** The name with the fewest changes to another one, if a third of its characters at most differ. */
export function nearestOf(given: string, names: readonly string[]): string | undefined {
  const [first] = names
    .map((name) => ({ name, changes: distance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.changes - b.changes)
  return first !== undefined && first.changes <= Math.max(1, first.name.length / 3) ? first.name : undefined
}

/** How many characters are added, removed or replaced from one text to another. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1]
    for (const [at, other] of [...to].entries())
      next.push(Math.min((next[at] ?? 0) + 1, (row[at + 1] ?? 0) + 1, (row[at] ?? 0) + (character === other ? 0 : 1)))
    row = next
  }
  return row.at(-1) ?? 0
}
