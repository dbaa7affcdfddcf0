import { readFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { findStage } from '../stage/find-stage.ts'
import { remedyOf } from '../stage/stack-stage.ts'
import { UsageError } from '../stage/usage-error.ts'
import { commandDocs, lineDocs } from './definition/docs.ts'
import { CommandFailure, Declined, type IoStreams, interruptedCode, printable } from './definition/io.ts'
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
  const ofLine = new WeakSet<Error>() // the errors of finding the line, whose remedies are in a section of their own
  const program = createProgram({
    version: readVersion(),
    commands,
    groups: commandGroups,
    streams,
    interrupted,
    async findStage(options) {
      try {
        return await findStage(options)
      } catch (error) {
        if (error instanceof Error) ofLine.add(error)
        throw error
      }
    },
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
    const docs = error instanceof Error && ofLine.has(error) ? lineDocs : commandDocs(nameOf(argv))
    streams.stderr.write(`${printable(formatError(error, { exitCode, argv, docs }))}\n`)
    return exitCode
  }
}

function isWrongUsage(error: unknown): boolean {
  return error instanceof UsageError || error instanceof CommanderError
}

/** The name of the command that was asked for; undefined if there is none. */
function nameOf([first = '', second = '']: readonly string[]): string | undefined {
  const names = first === 'help' ? [second] : [`${first} ${second}`, first]
  const found = names.flatMap((name) => commands.find((each) => each.name === name) ?? [])
  return (found[0] ?? commands.find(({ name, isDefault }) => isDefault && name.startsWith(`${first} `)))?.name
}

interface Failed {
  readonly exitCode: number
  readonly argv: readonly string[]
  /** The address of the command's documents. An error with a page of its own has that one. */
  readonly docs: string
}

function formatError(error: unknown, { exitCode, argv, docs: ofCommand }: Failed): string {
  const message = toMessage(error, argv)
  const facts = { docs: ofCommand, ...(error instanceof CommandFailure && error.facts) }
  if (argv.includes('--json')) return JSON.stringify({ error: { message, ...facts, exitCode } })
  return error instanceof Declined ? message : `${message}\nSee ${facts.docs}`
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
