import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { repository } from '../repository.ts'

/** The published packages, each after those that it depends on. */
export const published = [
  'protocol',
  'server',
  'client',
  'deploy',
  'serverless',
  'cdk',
  'local',
  'create-trunkline',
] as const
export type Published = (typeof published)[number]

/** A package as npm would upload it. */
export interface Tarball {
  readonly name: string
  readonly folder: string
  readonly path: string
  readonly files: readonly string[]
  readonly manifest: Manifest
}

const manifest = z.looseObject({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  type: z.string(),
  sideEffects: z.unknown(),
  exports: z.record(z.string(), z.unknown()),
  dependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
})
export type Manifest = z.infer<typeof manifest>

const packed = z.array(z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) })).length(1)

/** A folder outside of the workspace, so that module resolution cannot find the workspace's packages. */
export function createFolder(): string {
  return mkdtempSync(join(tmpdir(), 'trunkline-packed-'))
}

/** Packs every published package into `target`. They must be built. */
export function packAll(target: string): Readonly<Record<Published, Tarball>> {
  const all = published.map((name) => [name, pack(name, target)] as const)
  return Object.fromEntries(all) as Record<Published, Tarball> // one for each name above
}

function pack(name: Published, target: string): Tarball {
  const folder = join(repository, 'packages', name)
  const said = runNpm(['pack', '--json', '--pack-destination', target], folder)
  const [{ filename, files }] = packed.parse(JSON.parse(said)) as [z.infer<typeof packed>[number]]
  const read = manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')))
  return {
    name: read.name,
    folder,
    path: join(target, filename),
    files: files.map(({ path }) => path).sort(),
    manifest: read,
  }
}

/** Runs the npm that runs this test, or the one on the path. Throws its output if it fails. */
export function runNpm(args: readonly string[], cwd: string): string {
  const named = process.env['npm_execpath']
  return named?.endsWith('npm-cli.js') ? runNode([named, ...args], cwd) : runTool('npm', args, cwd)
}

/** Runs Node with these arguments, without the export conditions of the workspace. Throws its output if it fails. */
export function runNode(args: readonly string[], cwd: string): string {
  return runTool(process.execPath, args, cwd)
}

function runTool(command: string, args: readonly string[], cwd: string): string {
  const { NODE_OPTIONS, ...env } = process.env
  try {
    return execFileSync(command, args, {
      cwd,
      env: { ...env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', NO_UPDATE_NOTIFIER: '1', CI: 'true' },
      encoding: 'utf8',
      timeout: 600_000, // other suites run at the same time
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${[command, ...args].join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}
