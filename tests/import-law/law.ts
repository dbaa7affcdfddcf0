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
const jose = { name: /^jose$/ }
const anything = { name: /^/ }

/** What each area may import from outside of itself. */
const law = {
  protocol: {
    areas: [],
    packages: [
      { name: /^zod(\/mini)?$/, typeOnly: true },
      { name: /^zod(\/mini)?$/, within: /\/schemas?(\.ts$|\/)|[-.]schemas?\.ts$/ },
    ],
  },
  'server/define': { areas: [], packages: [protocol, { name: /^zod(\/|$)/, typeOnly: true }, trpcServer] },
  'server/ports': {
    areas: [],
    packages: [protocol, { name: /^node:assert\/strict$/, within: /\/ports\/testing\// }],
  },
  'server/runtime': { areas: ['server/define', 'server/ports'], packages: [protocol, trpcServer, node] },
  'server/powertools': { areas: ['server/ports'], packages: [{ name: /^@aws-lambda-powertools\// }] },
  'server/memory': { areas: ['server/ports'], packages: [protocol] },
  /** What the adapters of AWS share: the ports stay free of Node. */
  'server/sdk': { areas: ['server/ports'], packages: [node] },
  'server/dynamodb': { areas: ['server/ports', 'server/sdk'], packages: [protocol, awsSdk, node] },
  'server/apigateway': { areas: ['server/ports', 'server/sdk'], packages: [protocol, awsSdk, node] },
  'server/invoker': { areas: ['server/ports', 'server/sdk'], packages: [protocol, awsSdk, node] },
  /** Functions for `authorize`: no other area imports them, so that only their entry points load jose. */
  'server/jwt': { areas: ['server/define', 'server/ports'], packages: [protocol, jose] },
  'server/tickets': {
    areas: ['server/define', 'server/ports', 'server/dynamodb', 'server/jwt'],
    packages: [protocol, jose, node],
  },
  'server/lambda': {
    areas: ['server/define', 'server/ports', 'server/runtime', 'server/line'],
    packages: [protocol, trpcServer, node],
  },
  'server/aws': {
    areas: ['ports', 'dynamodb', 'apigateway', 'invoker'].map((name) => `server/${name}`),
    packages: [protocol],
  },
  'server/line': {
    areas: ['define', 'ports', 'runtime', 'aws'].map((name) => `server/${name}`),
    packages: [protocol, trpcServer, node, { name: /^zod(\/|$)/, typeOnly: true }],
  },
  /** For scripts: no other area imports it, so that no function has the rights that it needs. */
  'server/erase': { areas: ['define', 'line', 'runtime'].map((name) => `server/${name}`), packages: [protocol] },
  'server/entry': {
    areas: ['define', 'lambda', 'line'].map((name) => `server/${name}`),
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
      { name: /^ai$/, typeOnly: true, within: /\/ai\.ts$/ },
      { name: /^@trunkline\/client$/, typeOnly: true, within: /\/react\.ts$/ }, // another entry of the same package
    ],
  },
  /** A pure function from options to resources: it calls no service. */
  deploy: {
    areas: [],
    packages: [node, { name: /^zod$/ }, { name: /^(esbuild|fflate)$/, within: /\/bundle\.ts$/ }],
  },
  serverless: { areas: [], packages: [{ name: /^@trunkline\/deploy$|^@aws-sdk\/client-s3$|^mrmime$/ }, node] },
  cdk: {
    areas: [],
    packages: [{ name: /^@trunkline\/deploy(\/bundle)?$/ }, { name: /^aws-cdk-lib|^constructs$/ }, node],
  },
  /** It writes projects and needs nothing of the packages that they use. */
  'create-trunkline': { areas: [], packages: [node, { name: /^@clack\/prompts$/ }] },
  local: { areas: [], packages: [anything] },
  /** Runs the production code with other ports. It may import files of every package, and no package may import it. */
  simulator: { areas: [], packages: [anything] },
  examples: { areas: [], packages: [anything] },
  benchmarks: { areas: [], packages: [anything] },
} satisfies Record<string, AreaLaw>

/**
 * The folders of each package, highest layer first: a file imports from its own folder and from the folders below.
 * `.` is the package's root, where its entry points are.
 */
const layers: Readonly<Record<string, readonly string[]>> = {
  protocol: ['.', 'schemas', 'messages', 'frames', 'limits'],
  server: [
    ...['.', 'erase', 'lambda', 'lambda/http', 'lambda/source', 'lambda/authorize', 'lambda/events', 'line', 'aws'],
    ...['tickets', 'jwt'],
    ...[
      'runtime',
      'runtime/erasure',
      'runtime/reads',
      'runtime/requests',
      'runtime/subscriptions',
      'runtime/presence',
      'runtime/producers',
      'runtime/delivery',
    ],
    ...[
      'runtime/generators',
      'runtime/stock-clients',
      'runtime/calls',
      'runtime/rates',
      'runtime/connections',
      'runtime/recipients',
    ],
    ...[
      'runtime/presence/rows',
      'runtime/posting',
      'runtime/encoding',
      'runtime/streams',
      'runtime/log',
      'runtime/procedures',
    ],
    ...['runtime/context', 'memory', 'dynamodb', 'dynamodb/ports', 'dynamodb/requests', 'apigateway', 'invoker'],
    ...['powertools', 'sdk', 'ports/testing', 'ports', 'define'],
  ],
  client: [
    ...['.', 'trpc', 'http', 'connection', 'session', 'session/lifecycle', 'session/subscriptions', 'session/calls'],
    'session/machine',
  ],
  deploy: ['.', 'resources', 'template'],
  serverless: ['.'],
  'create-trunkline': ['.'],
  cdk: ['.'],
  local: [
    ...[
      '.',
      'cli',
      'cli/commands',
      'cli/calls',
      'cli/table',
      'cli/tail',
      'cli/definition',
      'dev',
      'inspector/application',
      'asyncapi',
      'redrive',
      'erase',
      'inspect-stage',
      'doctor',
      'doctor/checks',
      'doctor/context',
      'stage',
      'line',
      'inspector/local',
      'inspector/page',
      'inspector',
      'cost',
      'template',
    ],
    ...['faults', 'emulators/apigateway', 'emulators/apigateway/handshake', 'emulators/apigateway/connection'],
    'emulators/apigateway/integration',
    ...['emulators/lambda', 'emulators/lambda/event-sources', 'emulators/lambda/invocations'],
    ...['emulators/lambda/runtime', 'emulators/sqs', 'emulators/dynamodb/remote', 'emulators/dynamodb'],
    ...['emulators/dynamodb/requests', 'emulators/dynamodb/rows', 'emulators'],
  ],
  simulator: [
    ...['.', 'mutants', 'schedules', 'schedules/workloads', 'checks', 'world', 'world/devices', 'world/http'],
    ...['world/gateway', 'world/functions', 'world/table', 'records', 'kernel'],
  ],
}

type Area = keyof typeof law

/**
 * Words that would let time, chance or AWS into `runtime`: they come through its ports, so that simulation is exact.
 */
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

/** The area of a file, or undefined if no area has its folder. */
export function areaOf(path: string): Area | undefined {
  const [, server] = /^packages\/server\/src\/(.+)$/.exec(path) ?? []
  if (server !== undefined) return serverArea(server)
  const [, name = ''] =
    /^packages\/(protocol|client|deploy|serverless|cdk|create-trunkline|local|simulator)\/src\//.exec(path) ?? []
  if (isArea(name)) return name
  const [outside = ''] = path.split('/')
  return outside === 'examples' || outside === 'benchmarks' ? outside : undefined
}

function serverArea(path: string): Area | undefined {
  if (path === 'index.ts' || path === 'internal.ts') return 'server/entry'
  const area = `server/${path.split('/')[0]}`
  return isArea(area) && path.includes('/') ? area : undefined
}

function isArea(name: string): name is Area {
  return Object.hasOwn(law, name)
}

function importOffences(file: SourceFile): Offence[] {
  const area = areaOf(file.path)
  const order = layers[unitOf(file.path).replace('packages/', '')]
  if (order !== undefined && !order.includes(folderOf(file.path)))
    return [{ file: file.path, line: 1, message: 'is in a folder that has no layer' }]
  if (area === undefined) return [{ file: file.path, line: 1, message: 'is in no folder that the law names' }]
  return scanImports(file.text).flatMap((found) => {
    const message = found.specifier.startsWith('.')
      ? relativeOffence(file, area, found)
      : packageOffence(file, area, found)
    return message === undefined ? [] : [{ file: file.path, line: found.line, message }]
  })
}

function relativeOffence(file: SourceFile, area: Area, { specifier }: Import): string | undefined {
  const target = resolve(file.path, specifier)
  // The simulator and the model of scale run the production code with a clock of their own.
  const isModel = area === 'simulator' || file.path.startsWith('benchmarks/scale/')
  if (isModel && unitOf(target) !== unitOf(file.path)) return undefined
  if (unitOf(target) !== unitOf(file.path)) return `${specifier} leaves the package: use its entry point`
  const upward = upwardOffence(file.path, target)
  if (upward !== undefined) return upward
  const other = areaOf(target)
  const { areas }: AreaLaw = law[area]
  if (other === undefined || other === area || areas.includes(other)) return undefined
  return `${area} must not import ${other} (${specifier})`
}

/** Why an import breaks the order of the folders, or undefined. */
function upwardOffence(path: string, target: string): string | undefined {
  const order = layers[unitOf(path).replace('packages/', '')]
  if (order === undefined || !/^packages\/[^/]+\/src\//.test(target)) return undefined
  const [from, to] = [folderOf(path), folderOf(target)]
  if (from === to || (order.indexOf(from) < order.indexOf(to) && order.includes(from))) return undefined
  return `${from} must not import ${to}, which is above it`
}

/** A file's folder below its package's `src`; `.` for the root. */
function folderOf(path: string): string {
  return posix.dirname(path.split('/').slice(3).join('/'))
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
  if (areaOf(path) !== 'server/runtime') return []
  const code = withoutComments(text)
  return foreignWords.flatMap((word) =>
    [...code.matchAll(word)].map((match) => ({
      file: path,
      line: lineAt(code, match.index),
      message: `runtime must not say ${match[0]}`,
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

/** One offence for each import that closes a cycle of files, types included. */
function cycles(files: readonly SourceFile[]): Offence[] {
  const graph = toGraph(files, () => true)
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
          message: `closes a cycle: ${[...[...trail, path].slice(from), target].join(' → ')}`,
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
