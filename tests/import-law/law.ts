import { posix } from 'node:path'
import { type Import, lineAt, scanImports, withoutComments } from './scan.ts'

/** A source file: its path from the repository's root, with `/`, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** A place where the law is broken. */
export interface Offence {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** A package that an area may import, by its exact specifiers. */
interface PackageRule {
  readonly name: RegExp
  /** Only as `import type`. */
  readonly typeOnly?: true
  /** Only in the files whose path matches. */
  readonly within?: RegExp
}

interface AreaLaw {
  /** The areas of the same package that it may import, itself aside. */
  readonly areas: readonly string[]
  readonly packages: readonly PackageRule[]
}

const protocol = { name: /^@trunkline\/protocol(\/schemas)?$/ }
const trpcServer = { name: /^@trpc\/server(\/|$)/ }
const awsSdk = { name: /^@(aws-sdk|smithy)\// }
const node = { name: /^node:/ }
const anything = { name: /^/ }

/** The import law of the design, as a table: each folder of the house and whom it may know. */
const law = {
  protocol: {
    areas: [],
    packages: [
      { name: /^zod(\/mini)?$/, typeOnly: true },
      { name: /^zod(\/mini)?$/, within: /\/schemas?(\.ts$|\/)|[-.]schemas?\.ts$/ },
    ],
  },
  'server/define': { areas: [], packages: [protocol, { name: /^zod(\/|$)/, typeOnly: true }, trpcServer] },
  'server/ports': { areas: [], packages: [protocol] },
  'server/run': { areas: ['server/define', 'server/ports'], packages: [protocol, trpcServer, node] },
  'server/powertools': { areas: ['server/ports'], packages: [{ name: /^@aws-lambda-powertools\// }] },
  'server/memory': { areas: ['server/ports'], packages: [protocol] },
  /** What the adapters of AWS share: the ports stay free of Node. */
  'server/http': { areas: ['server/ports'], packages: [node] },
  'server/dynamodb': { areas: ['server/ports', 'server/http'], packages: [protocol, awsSdk, node] },
  'server/apigateway': { areas: ['server/ports', 'server/http'], packages: [protocol, awsSdk, node] },
  'server/invoker': { areas: ['server/ports', 'server/http'], packages: [protocol, awsSdk, node] },
  'server/lambda': {
    areas: ['server/define', 'server/ports', 'server/run', 'server/line'],
    packages: [protocol, trpcServer, node],
  },
  'server/binding': {
    areas: ['ports', 'dynamodb', 'apigateway', 'invoker'].map((name) => `server/${name}`),
    packages: [],
  },
  'server/line': {
    areas: ['define', 'ports', 'run', 'memory', 'dynamodb', 'apigateway', 'binding'].map((name) => `server/${name}`),
    packages: [protocol, trpcServer, node, { name: /^zod(\/|$)/, typeOnly: true }],
  },
  'server/entry': {
    areas: ['define', 'ports', 'run', 'memory', 'binding', 'lambda', 'line'].map((name) => `server/${name}`),
    packages: [],
  },
  client: {
    areas: [],
    packages: [
      { name: /^@trunkline\/protocol$/ },
      { name: /^@trpc\/client$/ },
      { name: /^@trpc\/server\/observable$/ },
      { name: /^@(trpc|trunkline)\/server$/, typeOnly: true },
      { name: /^partysocket(\/ws)?$/, within: /\/socket\.ts$/ },
      { name: /^react$/, within: /\/react\.ts$/ },
      { name: /^@trunkline\/client$/, typeOnly: true, within: /\/react\.ts$/ }, // another entry of the same package
    ],
  },
  local: { areas: [], packages: [anything] },
  /** Runs the production code with its ports replaced: it may reach inside every package, and nobody may import it. */
  simulator: { areas: [], packages: [anything] },
  examples: { areas: [], packages: [anything] },
  benchmarks: { areas: [], packages: [anything] },
} satisfies Record<string, AreaLaw>

type Area = keyof typeof law

/** Words that would let time, chance or AWS into `run`: they come through its ports, so that simulation is exact. */
const foreignWords = [
  /\bDate\.now\b/g,
  /\bnew Date\(\)/g,
  /\bperformance\.now\b/g,
  /\bset(?:Timeout|Interval|Immediate)\b/g,
  /\bAbortSignal\.timeout\b/g,
  /\bMath\.random\b/g,
  /\brandom(?:UUID|Bytes|Int)\b/g,
  /lambda|dynamo|api.?gateway|cloud.?watch|\bsqs\b|\barns?\b|\baws/gi,
  /[a-z]Aws|AWS/g,
]

/** Every offence of these files against the law, cycles included, by file and line. */
export function findOffences(files: readonly SourceFile[]): Offence[] {
  const offences = files.flatMap((file) => [...importOffences(file), ...wordOffences(file)])
  return [...offences, ...zodReach(files), ...cycles(files)].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line,
  )
}

/** The folder of the house that a file stands in, or undefined when the house has no such place. */
export function areaOf(path: string): Area | undefined {
  const [, server] = /^packages\/server\/src\/(.+)$/.exec(path) ?? []
  if (server !== undefined) return serverArea(server)
  const [, name = ''] = /^packages\/(protocol|client|local|simulator)\/src\//.exec(path) ?? []
  if (isArea(name)) return name
  const [outside = ''] = path.split('/')
  return outside === 'examples' || outside === 'benchmarks' ? outside : undefined
}

/** The files of the server that are a place of their own. aws.ts is an entry too: the binding by hand. */
const serverFiles = new Map<string, Area>([
  ['index.ts', 'server/entry'],
  ['line.ts', 'server/line'],
  ['aws.ts', 'server/binding'],
  ['environment.ts', 'server/binding'],
  ['preload.ts', 'server/binding'],
  ['lambda/invoker.ts', 'server/invoker'],
  ['lambda/queue-invoker.ts', 'server/invoker'],
  ['lambda/lambda-sdk.ts', 'server/invoker'],
  ['lambda/queue-sdk.ts', 'server/invoker'],
])

function serverArea(path: string): Area | undefined {
  const own = serverFiles.get(path)
  if (own !== undefined) return own
  const area = `server/${path.split('/')[0]}`
  return isArea(area) && path.includes('/') ? area : undefined
}

function isArea(name: string): name is Area {
  return Object.hasOwn(law, name)
}

function importOffences(file: SourceFile): Offence[] {
  const area = areaOf(file.path)
  if (area === undefined) return [{ file: file.path, line: 1, message: 'stands in no folder of the house' }]
  return scanImports(file.text).flatMap((found) => {
    const message = found.specifier.startsWith('.')
      ? relativeOffence(file, area, found)
      : packageOffence(file, area, found)
    return message === undefined ? [] : [{ file: file.path, line: found.line, message }]
  })
}

function relativeOffence(file: SourceFile, area: Area, { specifier }: Import): string | undefined {
  const target = resolve(file.path, specifier)
  if (area === 'simulator') return undefined
  if (unitOf(target) !== unitOf(file.path)) return `${specifier} leaves the package: use its entry point`
  const other = areaOf(target)
  const { areas }: AreaLaw = law[area]
  if (other === undefined || other === area || areas.includes(other)) return undefined
  return `${area} must not import ${other} (${specifier})`
}

function packageOffence(file: SourceFile, area: Area, { specifier, typeOnly }: Import): string | undefined {
  if (/^@trunkline\/[^/]+\/(src|dist)(\/|$)/.test(specifier)) return `${specifier} is no entry point`
  if (/^zod(\/mini)?$/.test(specifier) && importsZodByName(file.text))
    return "import { z } from 'zod' cannot be shaken: import * as z"
  const { packages }: AreaLaw = law[area]
  const rules = packages.filter(({ name }) => name.test(specifier))
  if (rules.length === 0) return `${area} must not import ${specifier}`
  if (rules.some(({ within, typeOnly: only }) => (within?.test(file.path) ?? true) && (typeOnly || only !== true)))
    return undefined
  const limit = rules.some(({ within }) => within !== undefined) ? 'here' : 'but by `import type`'
  return `${area} must not import ${specifier} ${limit}`
}

function importsZodByName(text: string): boolean {
  return /^\s*import\s*\{\s*z\s*\}\s*from\s*['"]zod(\/mini)?['"]/m.test(withoutComments(text))
}

function wordOffences({ path, text }: SourceFile): Offence[] {
  if (areaOf(path) !== 'server/run') return []
  const code = withoutComments(text)
  return foreignWords.flatMap((word) =>
    [...code.matchAll(word)].map((match) => ({
      file: path,
      line: lineAt(code, match.index),
      message: `run must not say ${match[0]}`,
    })),
  )
}

/** The protocol's main entry is in every browser's bundle: zod must not be reached from it. */
function zodReach(files: readonly SourceFile[]): Offence[] {
  const graph = toGraph(files, ({ typeOnly }) => !typeOnly)
  const seen = new Set<string>(['packages/protocol/src/index.ts'])
  for (const path of seen) for (const { target } of graph.get(path) ?? []) seen.add(target)
  return files
    .filter(({ path }) => seen.has(path))
    .flatMap(({ path, text }) =>
      scanImports(text)
        .filter(({ specifier, typeOnly }) => /^zod(\/|$)/.test(specifier) && !typeOnly)
        .map(({ line }) => ({ file: path, line, message: 'zod is reached from the entry that browsers load' })),
    )
}

interface Edge {
  readonly target: string
  readonly line: number
}

function toGraph(files: readonly SourceFile[], wanted: (found: Import) => boolean): Map<string, Edge[]> {
  const edges = (file: SourceFile) =>
    scanImports(file.text)
      .filter((found) => found.specifier.startsWith('.') && wanted(found))
      .map(({ specifier, line }) => ({ target: resolve(file.path, specifier), line }))
  return new Map(files.map((file) => [file.path, edges(file)]))
}

/**
 * One offence for each import that closes a ring of files. A type is not counted here, since nothing of it is left when
 * the modules are loaded; between folders it counts, by the table above, which has no ring.
 */
function cycles(files: readonly SourceFile[]): Offence[] {
  const graph = toGraph(files, ({ typeOnly }) => !typeOnly)
  const done = new Set<string>()
  const offences: Offence[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (done.has(path)) return
    for (const { target, line } of graph.get(path) ?? []) {
      const from = [...trail, path].indexOf(target)
      if (from === -1) visit(target, [...trail, path])
      else
        offences.push({
          file: path,
          line,
          message: `closes a ring: ${[...[...trail, path].slice(from), target].join(' → ')}`,
        })
    }
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return offences
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier)
}

/** The package or example that a path belongs to. */
function unitOf(path: string): string {
  return path.split('/').slice(0, 2).join('/')
}
