/** The document with a new part between its markers. Throws if it lacks them. */
export function replacePart(document: string, name: 'scenarios' | 'calibration', text: string): string {
  const [begin, end] = [`<!-- ${name}: npm run benchmark:scale -->`, `<!-- end of ${name} -->`]
  const [from, to] = [document.indexOf(begin), document.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`Expected ${begin} and ${end} in docs/reference/scale.md. Add them.`)
  return `${document.slice(0, from + begin.length)}\n${text}\n${document.slice(to)}`
}
