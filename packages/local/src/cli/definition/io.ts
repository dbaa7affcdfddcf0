import { UsageError } from '../../stage/usage-error.ts'

/** The streams of a process. */
export interface IoStreams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** How a command speaks. Results are on stdout; everything else is on stderr, so that results can be piped. */
export interface Io {
  readonly stdin: IoStreams['stdin']
  /** Whether results are JSON (`--json`). */
  readonly isJson: boolean
  /** Prints a line on stdout. */
  readonly print: (line: string) => void
  /** Prints a result: its JSON with `--json`, otherwise the text. */
  readonly result: (value: unknown, text: string | readonly string[]) => void
  /** Prints a line on stderr. */
  readonly note: (line: string) => void
  /** Replaces the line of progress on stderr. Prints nothing where stderr is no terminal. */
  readonly progress: (line: string) => void
  /**
   * Asks before the command goes on. Resolves at once with `yes`. Rejects with a `UsageError` where nobody can answer,
   * and with `Declined` for a no.
   */
  readonly confirm: (question: string, yes: boolean | undefined) => Promise<void>
  /**
   * Aborted by the first SIGINT, SIGTERM, SIGHUP or end of the parent process, and with SIGPIPE when nobody reads the
   * results any more. Its reason is the signal's name.
   */
  readonly interrupted: AbortSignal
}

/** A failure with facts for `--json`, such as the code of an error. `docs` is the address of its page. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly facts: Readonly<Record<string, unknown>>
  constructor(message: string, facts: Readonly<Record<string, unknown>>) {
    super(message)
    this.facts = facts
  }
}

/** The answer to a question was no. */
export class Declined extends Error {
  override readonly name = 'Declined'
}

const colours = String.raw`\u001b\[[\d;]*m`
const controls = new RegExp(`${colours}|[^\\P{Cc}\\n\\t]`, 'gu')

/**
 * The text with its control characters as `\\u001b` and the like. A name or a log of somebody else's cannot act on the
 * terminal then, and JSON keeps its meaning. Colours remain.
 */
export function printable(text: string): string {
  return text.replace(controls, (found) =>
    found.length > 1 ? found : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** JSON of a value that a transformer may have made: a bigint is its digits, a map its entries, a set its values. */
export function formatJson(value: unknown, indent?: number): string {
  const plain = (_: string, each: unknown) =>
    typeof each === 'bigint' ? String(each) : each instanceof Map || each instanceof Set ? [...each] : each
  return JSON.stringify(value ?? null, plain, indent)
}

export function createIo(streams: IoStreams, isJson: boolean, interrupted: AbortSignal): Io {
  const { stdin, stdout, stderr } = streams
  let isProgressShown = false
  const clear = () => {
    if (isProgressShown) stderr.write('\r\u001B[K')
    isProgressShown = false
  }
  const print = (line: string) => {
    clear()
    stdout.write(`${printable(line)}\n`)
  }
  return {
    stdin,
    isJson,
    print,
    result: (value, text) => {
      if (isJson) print(formatJson(value, 2))
      else for (const line of typeof text === 'string' ? [text] : text) print(line)
    },
    note: (line) => {
      clear()
      stderr.write(`${printable(line)}\n`)
    },
    progress: (line) => {
      if (stderr.isTTY !== true) return
      stderr.write(`\r\u001B[K${line}`)
      isProgressShown = true
    },
    async confirm(question, yes) {
      if (yes === true) return
      if (stdin.isTTY !== true || stderr.isTTY !== true)
        throw new UsageError(`${question} Nobody can answer here, as the input is no terminal. Add --yes to go on.`)
      clear()
      const { confirm } = await import('@clack/prompts')
      const answer = await confirm({
        message: question,
        initialValue: false,
        input: stdin as typeof process.stdin,
        output: stderr as typeof process.stderr,
      })
      if (answer !== true) throw new Declined('Stopped: nothing was read or changed.')
    },
    interrupted,
  }
}

const signalNumbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 }

/** The exit code of a command that a signal stopped: 128 and the signal's number, as shells have it. */
export function interruptedCode(signal: unknown): number {
  return 128 + (signalNumbers[String(signal)] ?? 2)
}
