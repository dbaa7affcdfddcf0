/**
 * `npm run count-path`: how many files a frame visits, and how often its path comes back into a file that it had left.
 * `npm run count-path -- --list` also prints the files in the order in which the path enters them.
 *
 * It counts statically, from one function:
 * - The path walks the body of a function in source order, each branch once. A function that is written inside another
 *   one is walked where it is written.
 * - The path follows the first mention of each function: a call, `new`, or a function that is passed on or stored. It
 *   walks no function twice.
 * - It follows a constant that holds functions, such as a table of handlers, like a function.
 * - It does not follow types, `instanceof`, and calls through an interface: a port, or a member of a hook object. The
 *   functions of a hook object are walked where they are written.
 * - It stays in the package of its first function, and outside of `ports` and `define`.
 * - `files` are the files that it enters, the first one included. `returns` are the steps from one file into another
 *   one that it had entered before.
 */
import { join, relative, sep } from 'node:path'
import ts from 'typescript-6' // 7 has no JavaScript API
import { checkNode, main, root, StepFailure } from './steps.mjs'

const entries = [
  { package: 'server', file: 'runtime/receive.ts', name: 'receive' },
  { package: 'server', file: 'runtime/publish.ts', name: 'publish' },
  { package: 'client', file: 'session/on-message.ts', name: 'onMessage' },
]

await main(async () => {
  checkNode()
  const isListed = process.argv.includes('--list')
  for (const entry of entries) {
    const { files, returns } = countPath(entry)
    const inRuntime = files.filter((file) => file.startsWith('runtime/')).length
    const ofThese = inRuntime > 0 ? ` (${inRuntime} in runtime)` : ''
    process.stdout.write(`${entry.name}: ${files.length} files${ofThese}, ${returns} returns\n`)
    if (isListed) for (const file of files) process.stdout.write(`  ${file}\n`)
  }
  return 0
})

/**
 * The files of the path from one function, and the number of its returns.
 * @param {{ readonly package: string, readonly file: string, readonly name: string }} entry
 */
function countPath(entry) {
  const source = join(root, 'packages', entry.package, 'src')
  const program = createProgram(join(root, 'packages', entry.package, 'tsconfig.json'))
  const checker = program.getTypeChecker()
  const first = program.getSourceFile(join(source, entry.file))
  const start = first?.statements.find((each) => ts.isFunctionDeclaration(each) && each.name?.text === entry.name)
  if (start === undefined)
    throw new StepFailure(`Expected a function ${entry.name} in ${entry.file}. Change scripts/count-path.mjs.`)

  /** @type {string[]} */
  const files = []
  const walked = new Set()
  let returns = 0

  /** @param {ts.Node} declaration @param {string} from */
  function enter(declaration, from) {
    if (walked.has(declaration)) return
    walked.add(declaration)
    const file = nameOf(declaration)
    if (!files.includes(file)) files.push(file)
    else if (file !== from) returns += 1
    ts.forEachChild(declaration, (child) => walk(child, file))
  }

  /** @param {ts.Node} node @param {string} file */
  function walk(node, file) {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return
    if (ts.isIdentifier(node)) {
      const declaration = followed(node)
      if (declaration !== undefined) enter(declaration, file)
      return
    }
    ts.forEachChild(node, (child) => walk(child, file))
  }

  /**
   * The declaration that a mention leads to; undefined where the path does not follow it.
   * @param {ts.Identifier} name
   */
  function followed(name) {
    const { parent } = name
    if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) return undefined
    const isMember = ts.isPropertyAccessExpression(parent) && parent.name === name
    if (isMember) return undefined
    const declaration = declarationOf(name)
    if (declaration === undefined || !isInPackage(declaration)) return undefined
    if (ts.isFunctionDeclaration(declaration)) return declaration
    if (ts.isClassDeclaration(declaration)) return ts.isNewExpression(parent) ? declaration : undefined
    const isConstant = ts.isVariableDeclaration(declaration) && declaration.initializer !== undefined
    return isConstant && isTopLevel(declaration) && holdsFunction(declaration) ? declaration : undefined
  }

  /** @param {ts.Identifier} name */
  function declarationOf(name) {
    const found = ts.isShorthandPropertyAssignment(name.parent)
      ? checker.getShorthandAssignmentValueSymbol(name.parent)
      : checker.getSymbolAtLocation(name)
    if (found === undefined) return undefined
    const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found
    const { valueDeclaration } = symbol
    return valueDeclaration !== undefined && 'name' in valueDeclaration && valueDeclaration.name !== name
      ? valueDeclaration
      : undefined
  }

  /** @param {ts.Node} declaration */
  function isInPackage(declaration) {
    const file = nameOf(declaration)
    return !file.startsWith('..') && !file.startsWith('ports/') && !file.startsWith('define/')
  }

  /** @param {ts.Node} node */
  function nameOf(node) {
    return relative(source, node.getSourceFile().fileName).split(sep).join('/')
  }

  enter(start, '')
  return { files, returns }
}

/** @param {ts.VariableDeclaration} declaration */
function isTopLevel({ parent }) {
  return ts.isVariableStatement(parent.parent) && ts.isSourceFile(parent.parent.parent)
}

/** @param {ts.Node} node @returns {boolean} */
function holdsFunction(node) {
  if (ts.isFunctionLike(node) && !ts.isTypeNode(node)) return true
  return ts.forEachChild(node, (child) => holdsFunction(child) || undefined) === true
}

/** @param {string} config */
function createProgram(config) {
  const parsed = ts.getParsedCommandLineOfConfigFile(
    config,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail },
  )
  if (parsed === undefined) throw new StepFailure(`Expected a TypeScript configuration at ${config}, got none.`)
  const files = parsed.fileNames.filter((file) => !/\.(test|test-d|suite)\.tsx?$/.test(file))
  return ts.createProgram(files, parsed.options)
}

/** @param {ts.Diagnostic} diagnostic */
function fail({ messageText }) {
  throw new StepFailure(ts.flattenDiagnosticMessageText(messageText, '\n'))
}
