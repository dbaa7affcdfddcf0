import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { findStage } from '../stage/find-stage.ts'
import { remedyOf } from '../stage/stack-stage.ts'
import { UsageError } from '../stage/usage-error.ts'
import { CommandFailure, type IoStreams, interruptedCode, printable } from './definition/io.ts'
import { createProgram } from './program.ts'
import { commandGroups, commands } from './registry.ts'

/** What each exit code means. A command that a signal stopped before it was done exits with 128 + its number. */
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
    const { formatCompletions } = await import('./completion.ts')
    streams.stdout.write(`${formatCompletions(argv.slice(argv[1] === '--' ? 2 : 1), commands, commandGroups)}\n`)
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
    if (interrupted.aborted) return interruptedCode(interrupted.reason)
    const exitCode = isWrongUsage(error) ? exitCodes.wrongUsage : exitCodes.failed
    streams.stderr.write(`${printable(formatError(error, { exitCode, argv }))}\n`)
    return exitCode
  }
}

function isWrongUsage(error: unknown): boolean {
  return error instanceof UsageError || error instanceof CommanderError
}

interface Failed {
  readonly exitCode: number
  readonly argv: readonly string[]
}

function formatError(error: unknown, { exitCode, argv }: Failed): string {
  const message = toMessage(error, argv)
  const facts = error instanceof CommandFailure ? error.facts : {}
  return argv.includes('--json') ? JSON.stringify({ error: { message, ...facts, exitCode } }) : message
}

function toMessage(error: unknown, argv: readonly string[]): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof CommanderError)) return toText(error)
  const [group = '', other = ''] = argv
  const inGroup = commands.filter(({ name }) => name.startsWith(`${group} `))
  const isAlone = argv.slice(1).every((word) => word.startsWith('-')) && !inGroup.some(({ isDefault }) => isDefault)
  if (inGroup.length > 0 && isAlone)
    return `Expected ${inGroup.map(({ name }) => `trunkline ${name}`).join(' or ')}, got trunkline ${group} alone.`
  const help = 'trunkline --help lists the commands, and --help after a command its options.'
  if (error.code === 'commander.help') return `Unknown command '${other}'\n${help}` // of `trunkline help`
  return `${capitalised(withoutPrefix(error.message))}${localHint(error, argv)}\n${help}`
}

/** The error of an AWS client with what to do about it. A store's own message does not say why it failed. */
function toText(error: Error): string {
  const { name, message, cause } = error
  if (name === 'StoreError' && cause instanceof Error && !message.includes(cause.message))
    return `${message} ${toText(cause)}`
  return [message, remedyOf(error) ?? []].flat().join('. ')
}

/** `trunkline call --local room.list` lacks the path, because `--local` takes a value where a word follows it. */
function localHint({ code }: CommanderError, argv: readonly string[]): string {
  const taken = argv.includes('--local') ? argv[argv.indexOf('--local') + 1] : undefined
  if (code !== 'commander.missingArgument' || taken === undefined || taken.startsWith('-')) return ''
  return `\n--local took ${taken} as its address. Write --local last, or with a port: --local=4400.`
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
