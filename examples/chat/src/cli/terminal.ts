import { clearLine, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'

export interface TerminalOptions {
  readonly prompt: string
  /** Each line that was entered. */
  readonly onLine: (line: string) => void
  /** The input has ended, or Ctrl-C was pressed. */
  readonly onEnd: () => void
  /** A key was pressed in a line that is not a command. */
  readonly onTyping: () => void
}

/** Lines in and lines out. At a terminal, what arrives is printed above the line being typed; in a pipe, plainly. */
export interface Terminal {
  print(line: string): void
  /** Begins a line that grows: each text that is shown is the one before and more. */
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

/** Whether the row that was printed last is one that grows. */
interface LastRow {
  grows: boolean
}

function printAbove(input: Interface, line: string): void {
  cursorTo(process.stdout, 0)
  clearLine(process.stdout, 0)
  process.stdout.write(`${line}\n`)
  input.prompt(true)
}

/** Written again with each word, above the line being typed. What has no room in one row of the screen stands, and another row is begun. */
function growAbove(input: Interface, row: LastRow): GrowingLine {
  let stands = 0
  let shown = ''
  const write = (text: string) => {
    if (row.grows) moveCursor(process.stdout, 0, -1)
    printAbove(input, text)
    row.grows = true
  }
  return {
    show(text) {
      if (shown !== '' && text.length - stands >= process.stdout.columns) {
        write(shown)
        row.grows = false
        stands += shown.length
      }
      shown = text.slice(stands)
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
