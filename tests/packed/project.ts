import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../repository.ts'
import { type Published, runNode, runNpm, type Tarball } from './tarballs.ts'

const tsc = join(repository, 'node_modules/typescript/bin/tsc')

/**
 * The other packages of a user's project. Versions are those of the workspace, so that the cache of `npm ci` has them.
 */
const others = {
  '@trpc/client': '11.25.2',
  '@trpc/server': '11.25.2',
  ai: '7.0.173',
  react: '19.3.1',
  ws: '8.23.0',
  zod: '4.6.7',
}
/** Compiled only where declarations of libraries are not checked. */
const withAiSdk = 'src/chat-transport.ts'
const otherTypes = { '@types/node': '^24.0.0', '@types/react': '^19.0.0', '@types/ws': '^8.18.0' }

/** Writes a project outside of the workspace, with the sources of a small application and nothing installed. */
export function writeProject(folder: string, tarballs: Readonly<Record<Published, Tarball>>): void {
  const { cdk, ...light } = tarballs // the peers of the construct have 160 MB: its own tests use it
  const ours = Object.fromEntries(Object.values(light).map(({ name, path }) => [name, `file:${path}`]))
  const manifest = {
    name: 'consumer',
    version: '1.2.3',
    private: true,
    type: 'module',
    dependencies: { ...ours, ...others },
    devDependencies: otherTypes,
    pnpm: { overrides: ours }, // the registry does not have these versions of our packages
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  cpSync(join(import.meta.dirname, 'consumer'), join(folder, 'src'), { recursive: true })
}

/** Installs a project with each package manager. */
export const installers = {
  npm: (folder: string) =>
    runNpm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], folder),
  pnpm: (folder: string) =>
    runNode(
      [
        join(repository, 'node_modules/pnpm/bin/pnpm.cjs'),
        'install',
        '--prefer-offline',
        '--no-frozen-lockfile',
        '--ignore-scripts',
        '--reporter=silent',
      ],
      folder,
    ),
} as const
export type Installer = keyof typeof installers

/**
 * Compiles the project's sources and checks every declaration file. Returns the files that were read. Throws the output
 * of `tsc`.
 */
export function compile(folder: string, options: Readonly<Record<string, unknown>>): readonly string[] {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: ['node'],
    rootDir: 'src',
    outDir: 'out',
    ...options,
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ include: ['src'], exclude: [withAiSdk], compilerOptions }),
  )
  return runNode([tsc, '-p', 'tsconfig.json', '--listFiles'], folder).trim().split('\n')
}

/**
 * Compiles an application with TypeScript 6 and `moduleResolution: node10`, as older projects do. Throws the output of
 * `tsc`.
 */
export function compileWithNode10(folder: string): void {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
    module: 'commonjs',
    moduleResolution: 'node10',
    ignoreDeprecations: '6.0',
    esModuleInterop: true,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
    noEmit: true,
  }
  const files = ['src/entries.ts', withAiSdk]
  writeFileSync(join(folder, 'tsconfig.node10.json'), JSON.stringify({ files, compilerOptions }))
  runNode([join(repository, 'node_modules/typescript-6/bin/tsc'), '-p', 'tsconfig.node10.json'], folder)
}
