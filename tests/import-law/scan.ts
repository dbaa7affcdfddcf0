/**
 * Reads imports with the parser of TypeScript 6, as TypeScript 7 has none for programs. No linter replaces it: Biome
 * knows neither layers of folders nor words, and dependency-cruiser reads TypeScript only up to version 6 and, since
 * its version 18, needs Node 22.
 */
import ts from 'typescript-6'

/** One mention of another module. */
export interface Import {
  readonly specifier: string
  /** `import type`, `export type` and `typeof import()`: nothing of it is left when the code runs. */
  readonly typeOnly: boolean
  readonly line: number
}

const imports = new Map<string, readonly Import[]>()

/** The imports of a TypeScript source in order: static, re-exporting, dynamic and of types, and `require`. */
export function scanImports(text: string): readonly Import[] {
  const known = imports.get(text)
  if (known !== undefined) return known
  const source = ts.createSourceFile('source.tsx', text, ts.ScriptTarget.ES2022)
  const found: Import[] = []
  const visit = (node: ts.Node): void => {
    const mention = mentionOf(node)
    if (mention !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(mention.module.getStart(source))
      found.push({ specifier: mention.module.text, typeOnly: mention.typeOnly, line: line + 1 })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  imports.set(text, found)
  return found
}

/** The module that a node imports, or undefined. */
function mentionOf(node: ts.Node): { readonly module: ts.StringLiteralLike; readonly typeOnly: boolean } | undefined {
  const [module, typeOnly] = moduleOf(node)
  return module !== undefined && ts.isStringLiteralLike(module) ? { module, typeOnly } : undefined
}

function moduleOf(node: ts.Node): readonly [module: ts.Node | undefined, typeOnly: boolean] {
  if (ts.isImportDeclaration(node))
    return [node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword]
  if (ts.isExportDeclaration(node)) return [node.moduleSpecifier, node.isTypeOnly]
  if (ts.isImportTypeNode(node)) return [ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true]
  return [ts.isCallExpression(node) && importsByCall(node.expression) ? node.arguments[0] : undefined, false]
}

function importsByCall(called: ts.Expression): boolean {
  return called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require')
}

/** The 1-based line of a position in a text. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}

/** The same text with every comment blanked out. Its line breaks stay, so that positions keep their lines. */
export function withoutComments(text: string): string {
  const parts =
    /(?<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<![:\\/[])\/\/[^\n]*/g
  return text.replace(parts, (part, string: string | undefined) =>
    string === undefined ? part.replace(/[^\n]/g, ' ') : part,
  )
}
