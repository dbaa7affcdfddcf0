import { spawn } from 'node:child_process'

/**
 * Runs a command with its arguments in a folder, such as `npm install`. Resolves to whether it succeeded. A program
 * that does not exist is a failure. The words are fixed ones of this package: a shell reads them, because npm is a batch
 * file on Windows.
 */
export function run(command: string, folder: string, options: { readonly quiet: boolean }): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, { cwd: folder, shell: true, stdio: options.quiet ? 'ignore' : 'inherit' })
    child.on('error', () => resolve(false))
    child.on('exit', (code) => resolve(code === 0))
  })
}
