/** Rows as lines whose columns begin below each other, two spaces apart. */
export function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = widthsOf(rows)
  return rows.map((cells) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** A text of Markdown whose tables have their columns below each other, numbers to the right, for a terminal. */
export function alignTables(text: string): string {
  return text.replaceAll(/^\|.*(?:\n\|.*)*/gm, (table) => {
    const [head = [], marks = [], ...rows] = table.split('\n').map((line) => line.slice(1, -1).split(/(?<!\\)\|/))
    const cells = [head, ...rows].map((row) => row.map((cell) => cell.trim().replaceAll('\\|', '|')))
    const widths = widthsOf(cells)
    const isNumber = marks.map((mark) => mark.endsWith(':'))
    return cells
      .map((row) =>
        row
          .map((cell, at) => (isNumber[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
          .join('  ')
          .trimEnd(),
      )
      .join('\n')
  })
}

function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const columns = Math.max(0, ...rows.map((cells) => cells.length))
  return Array.from({ length: columns }, (_, at) => Math.max(...rows.map((cells) => cells[at]?.length ?? 0)))
}
