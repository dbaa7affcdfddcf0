import { clearLine, createInterface, cursorTo, type Interface } from 'node:readline'

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
  close(): void
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
  return {
    print: interactive ? (line) => printAbove(input, line) : (line) => console.log(line),
    close: () => input.close(),
  }
}

function printAbove(input: Interface, line: string): void {
  cursorTo(process.stdout, 0)
  clearLine(process.stdout, 0)
  process.stdout.write(`${line}\n`)
  input.prompt(true)
}
