import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { buildSync } from 'esbuild'
import { zipSync } from 'fflate'
import { bundleSettings } from './bundle-settings.ts'

/** The zip file of an application's functions. */
export interface Bundle {
  readonly zip: Uint8Array
  /** A name that changes with the contents. CloudFormation deploys code only when its key has changed. */
  readonly key: string
}

/** Any fixed time: the same files give the same zip file. Zip files have local times. */
const fileTime = () => new Date(2000, 0, 1)

/**
 * Bundles the module that exports an application's handlers, with all packages, into a zip file. In it the module is
 * `lambda.mjs`, so its `handler` is `lambda`. What is loaded by `import()` is a file of its own, which a cold start does
 * not read.
 *
 * @param entry path of the module, TypeScript or JavaScript
 * @throws Error when the file does not exist, or with esbuild's messages when it cannot be bundled
 */
export function bundleHandlers(entry: string): Bundle {
  if (!existsSync(entry))
    throw new Error(`Expected the entry to be the module with your handlers; ${entry} does not exist.`)
  const folder = join(process.cwd(), 'lambda')
  const { outputFiles } = buildSync({
    ...bundleSettings,
    entryPoints: { lambda: entry },
    outdir: folder,
    write: false,
    outExtension: { '.js': '.mjs' },
    logLevel: 'silent',
  })
  const files = outputFiles.map(
    ({ path, contents }) => [relative(folder, path).replaceAll('\\', '/'), contents] as const,
  )
  const zip = zipSync(Object.fromEntries(files), { level: 9, mtime: fileTime() })
  return { zip, key: createHash('sha256').update(zip).digest('hex').slice(0, 16) }
}
