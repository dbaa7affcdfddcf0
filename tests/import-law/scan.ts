/** One mention of another module. */
export interface Import {
  readonly specifier: string
  /** `import type`, `export type`: nothing of it is left when the code runs. */
  readonly typeOnly: boolean
  readonly line: number
}

/** Static, re-exporting, dynamic and type imports (`typeof import('x')`), and `require`. Applied to code without comments. */
const forms = [
  /^[ \t]*(?:import|export)\s+(?<type>type\s(?!from\b))?(?:[\w$*{][^'"`;=()]*?)?\bfrom\s*(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/gm,
  /^[ \t]*import\s*(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/gm,
  /\b(?:import|require)\s*\(\s*(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/g,
]

/** What a TypeScript source imports, in order. A scanner and not a compiler: TypeScript 7 has no API, and esbuild forgets types. */
export function scanImports(text: string): Import[] {
  const code = withoutComments(text)
  const found = forms.flatMap((form) =>
    [...code.matchAll(form)].map((match) => {
      const { specifier = '', type } = match.groups ?? {}
      const at = match.index + match[0].indexOf(specifier)
      return { specifier, typeOnly: type !== undefined, line: lineAt(code, at) }
    }),
  )
  return found.sort((a, b) => a.line - b.line)
}

/** The 1-based line of a position in a text. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}

/** The same text with every comment blanked out, its line breaks kept, so that positions still tell lines. */
export function withoutComments(text: string): string {
  const parts =
    /(?<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<![:\\/[])\/\/[^\n]*/g
  return text.replace(parts, (part, string: string | undefined) =>
    string === undefined ? part.replace(/[^\n]/g, ' ') : part,
  )
}
