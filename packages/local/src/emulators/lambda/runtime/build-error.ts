import { relative, resolve } from 'node:path'
import type { Message } from 'esbuild'

/** A build error. `line` counts from 1, `column` from 0. Both are absent when esbuild reports no location. */
export interface BuildProblem {
  readonly message: string
  /** Relative to the working directory. */
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** Thrown when the first build fails, so that no code can run. */
export class BundleError extends Error {
  override readonly name = 'BundleError'
  readonly problems: readonly BuildProblem[]
  constructor(entry: string, problems: readonly BuildProblem[]) {
    super(`${entry} could not be bundled.\n${problems.map(formatProblem).join('\n')}`)
    this.problems = problems
  }
}

/** Formats a problem as `src/a.ts:3:10: message`, which terminals turn into a link. */
export function formatProblem({ file, line, column, message }: BuildProblem): string {
  if (file === undefined) return message
  return line === undefined ? `${file}: ${message}` : `${file}:${line}:${(column ?? 0) + 1}: ${message}`
}

/** Converts an esbuild message. */
export function toProblem({ text, location }: Message): BuildProblem {
  if (location === null) return { message: text }
  return { message: text, file: relative('', resolve(location.file)), line: location.line, column: location.column }
}

/** Whether this is the error with which esbuild rejects a failed build. */
export function isBuildFailure(error: unknown): error is { readonly errors: readonly Message[] } {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}
