import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { findStage } from '../stage/find-stage.ts'
import { UsageError } from '../stage/usage-error.ts'
import type { IoStreams } from './definition/io.ts'
import { createProgram } from './program.ts'
import { commandGroups, commands } from './registry.ts'

/** What each exit code means. An erasure that a signal stopped exits with 128 + the signal's number. */
const exitCodes = {
  done: 0,
  failed: 1,
  wrongUsage: 2,
} as const

export interface RunOptions {
  readonly streams: IoStreams
  /** Aborted when the user interrupts the command. */
  readonly interrupted: AbortSignal
}

/** Runs `trunkline` with these arguments. Errors are printed with their remedies. Resolves to the exit code. */
export async function runCommandLine(argv: readonly string[], { streams, interrupted }: RunOptions): Promise<number> {
  if (argv[0] === 'complete') {
    const { printCompletions } = await import('./completion.ts')
    printCompletions(argv.slice(argv[1] === '--' ? 2 : 1), commands, commandGroups)
    return exitCodes.done
  }
  let code: number = exitCodes.done
  const program = createProgram({
    version: readVersion(),
    commands,
    groups: commandGroups,
    streams,
    interrupted,
    findStage,
    onExitCode: (found) => {
      code = found
    },
  })
  try {
    if (argv.length === 0) {
      program.outputHelp()
      return exitCodes.wrongUsage
    }
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done // help and version
    const exitCode = isWrongUsage(error) ? exitCodes.wrongUsage : exitCodes.failed
    streams.stderr.write(`${formatError(error, { exitCode, isJson: argv.includes('--json') })}\n`)
    return exitCode
  }
}

function isWrongUsage(error: unknown): boolean {
  return error instanceof UsageError || error instanceof CommanderError
}

function formatError(error: unknown, { exitCode, isJson }: { readonly exitCode: number; readonly isJson: boolean }) {
  const message = toMessage(error)
  return isJson ? JSON.stringify({ error: { message, exitCode } }) : message
}

function toMessage(error: unknown): string {
  if (error instanceof CommanderError)
    return error.code === 'commander.help'
      ? 'Expected a command. trunkline --help lists them.'
      : `${capitalised(withoutPrefix(error.message))}\ntrunkline --help lists the commands, and --help after a command its options.`
  return error instanceof Error ? error.message : String(error)
}

/** commander's message, or what a value's parser said about it. */
function withoutPrefix(message: string): string {
  return message.replace(/^error: /, '').replace(/^option '.*' argument '[\s\S]*?' is invalid\. (?=Expected)/, '')
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function readVersion(): string {
  // the package's own manifest, from src/cli and from dist
  for (const path of ['../../package.json', '../package.json'])
    try {
      const manifest = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
      if (manifest.name === '@trunkline/local') return manifest.version
    } catch {
      // not there: try the next one
    }
  return 'unknown'
}
