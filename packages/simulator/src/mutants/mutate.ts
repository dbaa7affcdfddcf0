import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Plugin } from 'esbuild'
import type { Change, Mutant, ReplacedExport, SwappedText } from './mutant.ts'

const folder = 'packages/simulator/src/mutants'

/** The module through which each simulated function gets its ports. */
const portsModule = {
  file: 'packages/simulator/src/world/functions/sandbox-ports.ts',
  export: 'createSandboxPorts',
}

const isText = (change: Change): change is SwappedText => 'from' in change

/** An esbuild plugin that makes a mutant's changes while modules are read. `root` is the repository's folder. */
export function mutate(root: string, { name, changes }: Mutant): Plugin {
  const texts = changes.filter(isText)
  const wrappers = changes.flatMap((change) => (isText(change) ? [] : [toWrapper(change)]))
  const original = '?original'
  return {
    name,
    setup(build) {
      build.onResolve({ filter: /\?original$/ }, ({ path }) => ({
        path: path.slice(0, -original.length),
        suffix: original,
      }))
      build.onLoad({ filter: /\.ts$/ }, ({ path, suffix }) => {
        const isOwn = ({ file }: { readonly file: string }) => path === pathOf(root, file)
        const own = wrappers.filter(isOwn)
        if (own.length > 0 && suffix !== original)
          return { contents: wrapperModule(root, path, own), loader: 'ts', resolveDir: dirname(path) }
        const swaps = texts.filter(isOwn)
        if (swaps.length === 0) return undefined
        return {
          contents: swaps.reduce((text, swap) => swapText(name, text, swap), readFileSync(path, 'utf8')),
          loader: 'ts',
        }
      })
    },
  }
}

/** A module, one of its exports, and the expression that makes the replacement of that export. */
interface Wrapper {
  readonly file: string
  readonly export: string
  /** The module of the simulator with the function `by`. */
  readonly from: string
  readonly by: string
  readonly wrapsPorts: boolean
}

function toWrapper(change: Exclude<Change, SwappedText>): Wrapper {
  if ('ports' in change) return { ...portsModule, from: `${folder}/ports.ts`, by: change.ports, wrapsPorts: true }
  return { ...change, from: `${folder}/${moduleOf(change)}`, wrapsPorts: false }
}

/** The module with the replacement of an export. */
export function moduleOf({ file }: Pick<ReplacedExport, 'file'>): 'client-exports.ts' | 'server-exports.ts' {
  return file.startsWith('packages/client/') ? 'client-exports.ts' : 'server-exports.ts'
}

/** A module with the exports of the original, except for the replaced ones. */
function wrapperModule(root: string, path: string, wrappers: readonly Wrapper[]): string {
  const quoted = JSON.stringify(`${path}?original`)
  return [
    `export * from ${quoted}`,
    `import * as original from ${quoted}`,
    ...wrappers.map(({ export: name, from, by, wrapsPorts }, index) => {
      const made = wrapsPorts ? `(...args) => by${index}(original.${name}(...args))` : `by${index}(original.${name})`
      return `import { ${by} as by${index} } from ${JSON.stringify(pathOf(root, from))}\nexport const ${name} = ${made}`
    }),
  ].join('\n')
}

function swapText(mutant: string, text: string, { file, from, to }: SwappedText): string {
  if (!text.includes(from)) throw new Error(`Mutant ${mutant}: ${file} does not contain ${JSON.stringify(from)}.`)
  return text.replace(from, () => to)
}

/** The path of a file as esbuild writes it. */
const pathOf = (root: string, file: string) => join(root, file)
