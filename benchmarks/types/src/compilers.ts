import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** A compiler and the path of its command. */
export interface Compiler {
  readonly id: '7' | '6'
  readonly name: string
  readonly path: string
}

/** The native compiler, and the last one written in JavaScript, whose language service editors still use. */
export function compilersOf(root: string): readonly Compiler[] {
  return [
    { id: '7', name: 'TypeScript 7.0.2', path: join(root, 'node_modules/typescript/bin/tsc') },
    { id: '6', name: 'TypeScript 6.0.3', path: join(root, 'node_modules/typescript-6/bin/tsc') },
  ]
}

/** One check of a project without a cache. */
export interface Measured {
  readonly seconds: number
  readonly types: number
  readonly instantiations: number
  readonly megabytes: number
}

/** Runs the compiler once. Throws with its output when the project has an error. */
export function check({ path }: Compiler, folder: string): Measured {
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, '-p', folder, '--extendedDiagnostics'], {
    encoding: 'utf8',
  })
  const seconds = (performance.now() - started) / 1_000
  if (status !== 0) throw new Error(`${folder} does not compile:\n${stdout.slice(0, 2_000)}${stderr}`)
  const figure = (name: string) => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, 'm').exec(stdout)?.[1])
  return {
    seconds,
    types: figure('Types'),
    instantiations: figure('Instantiations'),
    megabytes: figure('Memory used') / 1_024,
  }
}
