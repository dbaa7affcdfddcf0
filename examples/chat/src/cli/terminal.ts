import { clearLine, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'

export interface TerminalOptions {
  readonly prompt: string
  /** Called with each entered line. */
  readonly onLine: (line: string) => void
  /** Called when the input ends or Ctrl-C is pressed. */
  readonly onEnd: () => void
  /** Called for each key in a line that is not a command. */
  readonly onTyping: () => void
}

/**
 * Reads and prints lines. In a terminal, output appears above the line that the user types; in a pipe, as plain lines.
 */
export interface Terminal {
  print(line: string): void
  /** Begins a growing line: each shown text extends the previous one. */
  grow(): GrowingLine
  close(): void
}

export interface GrowingLine {
  show(text: string): void
  end(): void
}

export function openTerminal(options: TerminalOptions): Terminal {
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true
  const input = createInterface({
    input: process.stdin,
    terminal: interactive,
    ...(interactive ? { output: process.stdout } : {}),
  })
  input.setPrompt(options.prompt)
  input.on('line', (line) => {
    options.onLine(line)
    if (interactive) input.prompt()
  })
  input.once('close', options.onEnd)
  input.once('SIGINT', () => input.close())
  if (interactive) {
    process.stdin.on('keypress', () => {
      if (input.line !== '' && !input.line.startsWith('/')) options.onTyping()
    })
    input.prompt()
  }
  const row: LastRow = { grows: false }
  const print = (line: string) => {
    if (interactive) printAbove(input, line)
    else console.log(row.grows ? `\n${line}` : line)
    row.grows = false
  }
  return {
    grow: () => (interactive ? growAbove(input, row) : growPlainly(row)),
    print,
    close: () => input.close(),
  }
}

/** Whether the last printed row is a growing line. */
interface LastRow {
  grows: boolean
}

function printAbove(input: Interface, line: string): void {
  cursorTo(process.stdout, 0)
  clearLine(process.stdout, 0)
  process.stdout.write(`${line}\n`)
  input.prompt(true)
}

/**
 * Prints the line again with each word, above the line that the user types. A full row stays, and another row begins.
 */
function growAbove(input: Interface, row: LastRow): GrowingLine {
  let completed = 0 // characters in full rows
  let shown = ''
  const write = (text: string) => {
    if (row.grows) moveCursor(process.stdout, 0, -1)
    printAbove(input, text)
    row.grows = true
  }
  return {
    show(text) {
      if (shown !== '' && text.length - completed >= process.stdout.columns) {
        write(shown)
        row.grows = false
        completed += shown.length
      }
      shown = text.slice(completed)
      write(shown)
    },
    end() {
      row.grows = false
    },
  }
}

function growPlainly(row: LastRow): GrowingLine {
  let shown = ''
  return {
    show(text) {
      process.stdout.write(text.startsWith(shown) ? text.slice(shown.length) : `\n${text}`)
      shown = text
      row.grows = true
    },
    end() {
      if (row.grows) process.stdout.write('\n')
      row.grows = false
    },
  }
}
