import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packAll, runNode, runNpm } from '../packed/tarballs.ts'
import { repository } from '../repository.ts'
import { freePort, launchChromium } from './browser.ts'

const text = readFileSync(join(repository, 'docs/guide/getting-started.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'trunkline-start-'))
const project = mkdtempSync(join(tmpdir(), 'trunkline-start-project-'))
const children: ChildProcess[] = []
let browser: Browser

/** The commands of the page, in their order. */
const commands = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, code = '']) => code.trim().split('\n'))
/** The programs that the page runs by `npx`, as programs for Node. */
const programs = new Map([
  ['trunkline', 'node_modules/@trunkline/local/dist/cli.js'],
  ['vite', 'node_modules/vite/bin/vite.js'],
  ['tsc', 'node_modules/typescript/bin/tsc'],
  ['vitest', 'node_modules/vitest/vitest.mjs'],
])
const versionOf = (name: string) => createRequire(import.meta.url)(`${name}/package.json`).version as string

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(async () => {
  for (const child of children) child.kill()
  await browser?.close()
  for (const each of [folder, project]) rmSync(each, { recursive: true, force: true })
})

describe('"Getting started in five minutes", in an empty folder', () => {
  let ports: readonly [string, string]

  it('installs the packages', () => {
    const tarballs = Object.fromEntries(Object.values(packAll(folder)).map(({ name, path }) => [name, path]))
    const unnamed = ['@trunkline/protocol', '@trunkline/deploy'] // the registry does not have their versions
    for (const command of commands.filter((line) => line.startsWith('npm '))) {
      const [, ...args] = command.split(' ')
      const packages = [...args, ...(args[0] === 'install' ? unnamed : [])].map(
        (arg) =>
          tarballs[arg] ??
          (/^(@\w+\/)?[a-z]+$/.test(arg) && args.indexOf(arg) > 0 && args[0] === 'install'
            ? `${arg}@${versionOf(arg)}`
            : arg),
      )
      runNpm([...packages, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], project)
    }
    expect(Object.keys(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')).dependencies)).toContain('zod')
  })

  it('has files that compile, and a wrong name that does not', async () => {
    ports = [String(await freePort()), String(await freePort())]
    const files = [...text.matchAll(/^```ts run\n\/\/ (\S+)\n([\s\S]*?)^```/gm)].map(([, name, code]) => [name, code])
    const block = (language: string) => new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(text)?.[1]
    const all = [...files, ['index.html', block('html')], ['tsconfig.json', block('json')]]
    for (const [name = '', code = ''] of all)
      writeFileSync(join(project, name), code.replaceAll('4400', ports[0]).replaceAll('5173', ports[1]))
    runNode(program('npx tsc'), project)
    const page = readFileSync(join(project, 'page.ts'), 'utf8')
    writeFileSync(join(project, 'wrong.ts'), page.replace('author, text })', 'author, txt: text })'))
    expect(() => runNode(program('npx tsc'), project)).toThrow(/wrong\.ts.*\n?.*'txt' does not exist/)
    rmSync(join(project, 'wrong.ts'))
  })

  it('has a test that passes', () => {
    expect(runNode(program('npx vitest run'), project)).toContain('1 passed')
  })

  it('shows in one window what another one sends, and again after the line was stopped and started', async () => {
    const run = commands.find((command) => command.startsWith('npx trunkline dev'))
    const start = () => startProgram([...program(run), '--port', ports[0]], 'inspector:')
    const line = await start()
    await startProgram([...program('npx vite'), '--port', ports[1], '--strictPort'], 'Local:')
    const [ann, bob] = [await browser.newPage(), await browser.newPage()]
    for (const page of [ann, bob]) {
      page.setDefaultTimeout(60_000)
      await page.goto(`http://localhost:${ports[1]}`)
    }
    const send = async (words: string) => {
      await ann.getByLabel('Message').fill(words)
      await ann.getByRole('button', { name: 'Send' }).click()
    }
    await send('hello')
    await bob
      .getByRole('listitem')
      .filter({ hasText: /^guest \d+: hello$/ })
      .waitFor()
    line.kill('SIGINT')
    await bob.getByText('reconnecting').waitFor()
    await start()
    await send('again')
    await bob.getByRole('listitem').filter({ hasText: 'again' }).waitFor()
    expect(await bob.getByRole('listitem').allTextContents()).toHaveLength(2)
  })
})

/** The arguments of Node for a command of the page. */
function program(command = ''): readonly string[] {
  expect(commands).toContain(command)
  const [, name = '', ...args] = command.split(' ')
  return [programs.get(name) ?? name, ...args]
}

/** Starts a program in the project, and resolves when it prints `ready`. */
async function startProgram(args: readonly string[], ready: string): Promise<ChildProcess> {
  const { NODE_OPTIONS, ...env } = process.env
  const child = spawn(process.execPath, args, { cwd: project, env: { ...env, NO_COLOR: '1' }, stdio: 'pipe' })
  children.push(child)
  let printed = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        printed += chunk
        if (printed.includes(ready)) resolve()
      })
    child.once('exit', () => reject(new Error(`${args.join(' ')} ended before it was ready:\n${printed}`)))
  })
  return child
}
