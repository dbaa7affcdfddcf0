import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Framework, type PackageManager, packageManagers, type Template, titles } from './choices.ts'
import { createManifest } from './manifest.ts'

/** The package's folder of templates, next to `dist` and `src`. */
const layers = fileURLToPath(new URL('../template/', import.meta.url))
/** The folder of a layer whose files are inserted into other files: a line `{{part:name}}` becomes `name`. */
const parts = '_parts'
/** What a folder may contain and still counts as empty. */
const ignored = new Set(['.git', '.DS_Store', 'Thumbs.db'])

/** What a new project is. */
export interface ProjectOptions {
  /** The name of the package and of the service on AWS: see `toName`. */
  readonly name: string
  /** The application that the project begins with. */
  readonly template: Template
  /** What its page is written in. */
  readonly framework: Framework
  /** The package manager whose commands the README shows. @default 'npm' */
  readonly packageManager?: PackageManager
}

/**
 * The files of a project by their paths, with `/`: what all projects have, the application of the template, and its page
 * in the framework.
 */
export function createProject(options: ProjectOptions): ReadonlyMap<string, string> {
  const { name, template, framework, packageManager = 'npm' } = options
  const folders = ['base', `applications/${template}`, `pages/${framework}/shared`, `pages/${framework}/${template}`]
  const found = new Map(folders.flatMap((folder) => [...readFolder(join(layers, folder))]))
  const words: Readonly<Record<string, string>> = {
    name,
    title: titles[template],
    main: framework === 'react' ? 'main.tsx' : 'main.ts',
    install: `${packageManager} install`,
    run: packageManagers[packageManager],
    deployTo: `${packageManagers[packageManager]} deploy${packageManager === 'npm' ? ' --' : ''}`, // npm takes options itself
    shortRun: packageManager === 'bun' ? 'bun run' : packageManager, // bun has a command `test` of its own
  }
  const files = [...found]
    .filter(([path]) => !path.startsWith(`${parts}/`))
    .map(([path, text]) => [path.replace(/^_/, '.'), isCode(path) ? text : fill(text, words, found)] as const)
  return new Map([
    ['package.json', toJson(createManifest({ name, template, framework, trunkline: ownVersion() }))],
    ['tsconfig.json', toJson(createTsconfig(framework))],
    ...settingsOf(packageManager),
    ...files,
  ])
}

/** The packages of a project whose install scripts need not run. pnpm fails for each that no setting names. */
const withScripts = ['@parcel/watcher', 'classic-level', 'es5-ext', 'esbuild']

/** The file with the settings of a package manager, where it needs some. */
function settingsOf(packageManager: PackageManager): readonly (readonly [string, string])[] {
  if (packageManager === 'yarn') return [['.yarnrc.yml', 'nodeLinker: node-modules\n']]
  if (packageManager !== 'pnpm') return []
  const builds = withScripts.map((name) => `  '${name}': false\n`)
  return [
    ['pnpm-workspace.yaml', `# These packages work without their install scripts.\nallowBuilds:\n${builds.join('')}`],
  ]
}

/** Code has no words to fill in. Vue has its own use for their braces. */
const isCode = (path: string) => /^(src|test)\//.test(path)

/** Inserts the parts, then the words. A line for a part that no layer has is removed. */
function fill(text: string, words: Readonly<Record<string, string>>, files: ReadonlyMap<string, string>): string {
  return text
    .replace(/^\{\{part:(.+)\}\}\n/gm, (_, part: string) => files.get(`${parts}/${part}`) ?? '')
    .replace(/\{\{(\w+)\}\}/g, (_, word: string) => words[word] ?? '')
}

function createTsconfig(framework: Framework): object {
  return {
    include: ['src', 'test', '*.config.ts'],
    compilerOptions: {
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
      module: 'esnext',
      moduleResolution: 'bundler',
      types: ['node', 'vite/client'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      isolatedModules: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true,
      ...(framework === 'react' && { jsx: 'react-jsx' }),
    },
  }
}

/** The version of this package, which is that of all packages of Trunkline. */
export function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string
  }
  return version
}

function toJson(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

function readFolder(folder: string): ReadonlyMap<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path))
  const files = paths.filter((path) => statSync(path).isFile())
  return new Map(files.map((path) => [relative(folder, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')]))
}

/**
 * The name of a project in a folder: its last part in lower case, with hyphens for other characters, at most 30
 * characters, since the stack on AWS has it too.
 */
export function toName(folder: string): string {
  const words = basename(resolve(folder)).toLowerCase()
  const name = words.replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+/, '')
  return name.slice(0, 30).replace(/-+$/, '') || 'trunkline-app'
}

/** Writes the files. Throws an `Error` that names what a folder contains that is not empty. */
export function writeProject(folder: string, files: ReadonlyMap<string, string>): void {
  requireEmpty(folder)
  for (const [path, text] of files) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}

/** Throws an `Error` unless the folder is empty or missing. Files of systems and a fresh Git repository may be there. */
export function requireEmpty(folder: string): void {
  if (!existsSync(folder)) return
  if (!statSync(folder).isDirectory())
    throw new Error(`Expected ${folder} to be a folder, got a file. Choose another name.`)
  const found = readdirSync(folder).filter((name) => !ignored.has(name))
  if (found.length === 0) return
  const shown = found.length > 3 ? `${found.slice(0, 3).join(', ')} and ${found.length - 3} more` : found.join(', ')
  throw new Error(`Expected ${folder} to be an empty folder, got one with ${shown}. Choose another name, or empty it.`)
}
