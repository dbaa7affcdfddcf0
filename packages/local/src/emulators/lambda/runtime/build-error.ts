import { relative, resolve } from 'node:path'
import type { Message } from 'esbuild'

/** Where a build stumbled. `line` counts from 1, `column` from 0; both absent when esbuild names no place. */
export interface BuildProblem {
  readonly message: string
  /** Relative to the working directory. */
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** The first build failed: there is nothing to run. */
export class BundleError extends Error {
  override readonly name = 'BundleError'
  readonly problems: readonly BuildProblem[]
  constructor(entry: string, problems: readonly BuildProblem[]) {
    super(`${entry} could not be bundled.\n${problems.map(formatProblem).join('\n')}`)
    this.problems = problems
  }
}

/** `src/a.ts:3:10: message`, as terminals make links of it. */
export function formatProblem({ file, line, column, message }: BuildProblem): string {
  if (file === undefined) return message
  return line === undefined ? `${file}: ${message}` : `${file}:${line}:${(column ?? 0) + 1}: ${message}`
}

/** What esbuild says, in our terms. */
export function toProblem({ text, location }: Message): BuildProblem {
  if (location === null) return { message: text }
  return { message: text, file: relative('', resolve(location.file)), line: location.line, column: location.column }
}

/** What esbuild rejects with when a build fails. */
export function isBuildFailure(error: unknown): error is { readonly errors: readonly Message[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}
