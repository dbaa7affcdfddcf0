/** What a function prints: tab has no function that returns a script. */
export function printedBy(print: () => void): string {
  const { log } = console
  const lines: string[] = []
  console.log = (line: string) => lines.push(line)
  try {
    print()
  } finally {
    console.log = log
  }
  return lines.join('\n')
}
