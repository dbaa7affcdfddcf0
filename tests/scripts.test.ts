import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { checkNode } from '../scripts/steps.mjs'
import { repository } from './repository.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-scripts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const steps = JSON.stringify(pathToFileURL(join(repository, 'scripts/steps.mjs')).href)

/** Runs a command made of the shared steps to its end. */
function runCommand(name: string, body: string) {
  const file = join(folder, name)
  writeFileSync(file, `import { main, run, say, StepFailure } from ${steps}\nawait main(async () => { ${body} })\n`)
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 15_000 })
  return { status, stdout, stderr }
}

describe('the Node that runs the scripts', () => {
  it.each(['20.19.0', '22.0.0', '24.3.1'])('may be %s', (version) => {
    expect(() => checkNode(version)).not.toThrow()
  })

  it.each(['18.20.4', '20.18.3'])('may not be %s, which is said in one line', (version) => {
    expect(() => checkNode(version)).toThrow(
      `Node 20.19 or newer is needed, this is ${version}: see https://nodejs.org`,
    )
  })
})

describe('a command', () => {
  it('that cannot go on ends with one line and the code of the step that failed', () => {
    expect(runCommand('fails.mjs', "throw new StepFailure('the build failed', 3)")).toEqual({
      status: 3,
      stdout: '',
      stderr: 'trunkline: the build failed\n',
    })
  })

  it('gives the code of the program it runs', () => {
    expect(runCommand('code.mjs', "return run(['-e', 'process.exit(4)'])").status).toBe(4)
  })

  it('prints the output of a step only if it fails, when asked to', () => {
    const speak = (code: number) =>
      `return run(['-e', "console.log('words'); process.exit(${code})"], { output: 'if-failed' })`
    expect(runCommand('quiet.mjs', speak(0))).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(runCommand('loud.mjs', speak(1))).toEqual({ status: 1, stdout: '', stderr: 'words\n' })
  })

  it('stops a program that outlives its deadline', () => {
    const { status, stderr } = runCommand(
      'late.mjs',
      "return run(['-e', 'setInterval(() => {}, 9)'], { deadlineMs: 200 })",
    )
    expect(status).not.toBe(0)
    expect(stderr).toContain('did not end within')
  })

  it.skipIf(process.platform === 'win32')('passes on a signal, waits for the end and counts it as a clean one', () => {
    const child =
      "process.once('SIGTERM', () => { console.log('closed'); process.exit(7) }); setInterval(() => {}, 9); process.kill(process.ppid, 'SIGTERM')"
    expect(runCommand('signal.mjs', `return run(['-e', ${JSON.stringify(child)}])`)).toEqual({
      status: 0,
      stdout: 'closed\n',
      stderr: '',
    })
  })
})
