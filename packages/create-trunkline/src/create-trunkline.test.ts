import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detectPackageManager, frameworks, templates } from './choices.ts'
import { createProject, toName } from './create-project.ts'
import { versions } from './versions.ts'

const own = fileURLToPath(new URL('..', import.meta.url))
/** A copy of the package with a built command. */
const copy = mkdtempSync(join(own, '.test-'))
const cli = join(copy, 'dist/cli.js')
const folder = mkdtempSync(join(tmpdir(), 'create-trunkline-'))
beforeAll(async () => {
  symlinkSync(join(own, 'template'), join(copy, 'template'), 'junction')
  cpSync(join(own, 'package.json'), join(copy, 'package.json'))
  const entryPoints = [join(own, 'src/cli.ts')]
  await build({ entryPoints, outfile: cli, bundle: true, platform: 'node', format: 'esm', packages: 'external' })
})
afterAll(() => {
  for (const each of [copy, folder]) rmSync(each, { recursive: true, force: true })
})

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command without a terminal, in a folder of its own. */
async function create(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const options = { cwd: folder, env: { ...process.env, npm_config_user_agent: '', ...env } }
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [cli, ...args], options)) }
  } catch (error) {
    return error as Ended
  }
}

describe('the command', () => {
  it('writes a project without questions where there is no terminal, and says what to do next', async () => {
    const { code, stdout } = await create(['First App', '--no-install', '--template', 'chat', '--framework', 'vue'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/cd "First App"\n {2}npm install\n {2}npm start .+\n {2}npm test .+\n {2}npm run deploy /)
    expect(JSON.parse(readFileSync(join(folder, 'First App/package.json'), 'utf8'))).toMatchObject({
      name: 'first-app',
    })
    expect(readdirSync(join(folder, 'First App'))).toEqual(expect.arrayContaining(['.git', '.gitignore', 'README.md']))
  })

  it('creates no Git repository with --no-git', async () => {
    await create(['plain', '--no-install', '--no-git'])
    expect(existsSync(join(folder, 'plain/.git'))).toBe(false)
    expect(existsSync(join(folder, 'plain/src/web/app.tsx'))).toBe(true)
  })

  it('writes into this folder for a dot, and shows the commands of the package manager that runs it', async () => {
    const here = join(folder, 'here')
    mkdirSync(join(here, '.git'), { recursive: true })
    const options = { cwd: here, env: { ...process.env, npm_config_user_agent: 'bun/1.3.0 npm/? node/v24' } }
    const { stdout } = await promisify(execFile)(process.execPath, [cli, '.', '--no-install', '--no-git'], options)
    expect(stdout).not.toContain('cd ')
    expect(stdout).toMatch(/bun install\n {2}bun run start .+\n {2}bun run test .+\n {2}bun run deploy /)
    expect(readFileSync(join(here, 'README.md'), 'utf8')).toContain('bun run start')
  })

  it('refuses a folder that is not empty, before it writes anything', async () => {
    mkdirSync(join(folder, 'full'))
    writeFileSync(join(folder, 'full/notes.txt'), '')
    const { code, stderr } = await create(['full'])
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^Expected full to be an empty folder, got one with notes\.txt\. Choose another name, or empty/,
      ),
    ])
    expect(readdirSync(join(folder, 'full'))).toEqual(['notes.txt'])
  })

  it.each([
    [['a', '--template', 'game'], 'Expected --template to be one of minimal, chat, board, ai; got game.'],
    [['a', '--framework', 'angular'], 'Expected --framework to be one of react, svelte, vue, none; got angular.'],
    [['a', 'b'], 'Expected one folder, got a, b.'],
    [['a', '--fast'], "Unknown option '--fast'"],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, stderr } = await create(args)
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)])
    expect(stderr).toContain('--help lists the options')
    expect(existsSync(join(folder, 'a'))).toBe(false)
  })

  it('prints its options and its version', async () => {
    expect((await create(['--help'])).stdout).toContain('--no-install')
    expect((await create(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('a project', () => {
  const all = Object.keys(templates).flatMap((template) =>
    Object.keys(frameworks).map((framework) => ({ template, framework })),
  )

  it.each(all)(
    'of $template in $framework has a language, a page, tests and no words to fill in',
    ({ template, framework }) => {
      const files = createProject({ name: 'app', template, framework } as Parameters<typeof createProject>[0])
      expect(files.get('index.html')).toContain('<html lang="en">')
      expect([...files.keys()].some((path) => /^test\/.+\.test\.ts$/.test(path))).toBe(true)
      const unfilled = [...files].filter(([path, text]) => !/\.vue$/.test(path) && /\{\{/.test(text))
      expect(unfilled.map(([path]) => path)).toEqual([])
      expect([...files.keys()].filter((path) => path.includes('_parts') || path.startsWith('_'))).toEqual([])
    },
  )

  it('has commands that pnpm takes as scripts, and settings without which its install fails', () => {
    const project = { name: 'app', template: 'minimal', framework: 'react', packageManager: 'pnpm' } as const
    const files = createProject(project)
    expect(files.get('README.md')).toMatch(/^pnpm run deploy$/m) // pnpm has a command deploy of its own
    expect(files.get('README.md')).toContain('`pnpm run deploy --stage prod`')
    expect(files.get('pnpm-workspace.yaml')).toMatch(/^ {2}'esbuild': false$/m)
    expect([...createProject({ ...project, packageManager: 'npm' }).keys()]).not.toContain('pnpm-workspace.yaml')
  })

  it('has the versions with which this repository is tested', () => {
    const require = createRequire(import.meta.url)
    const differing = Object.entries(versions).flatMap(([name, version]) => {
      if (name === 'typescript') return [] // the repository has 7, which Svelte and Vue cannot use yet
      const path = require.resolve
        .paths(name)
        ?.map((each) => join(each, name, 'package.json'))
        .find(existsSync)
      if (path === undefined) return []
      const { version: installed } = JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }
      return installed === version ? [] : [`${name}: ${version} in versions.ts, ${installed} in the repository`]
    })
    expect(differing).toEqual([])
  })
})

it.each([
  ['npm/11.0.0 node/v24', 'npm'],
  ['pnpm/10.1.0 npm/? node/v24', 'pnpm'],
  ['yarn/4.5.0 npm/?', 'yarn'],
  ['bun/1.3.0', 'bun'],
  ['cnpm/1', 'npm'],
  ['', 'npm'],
])('the user agent %j is the package manager %s', (agent, name) => {
  expect(detectPackageManager(agent)).toBe(name)
})

it.each([
  ['My Shop', 'my-shop'],
  ['2nd-try', 'nd-try'],
  ['äpfel & birnen', 'pfel-birnen'],
  ['a'.repeat(40), 'a'.repeat(30)],
  ['___', 'trunkline-app'],
])('the folder %j becomes the project %s, which npm and CloudFormation accept', (given, name) => {
  expect(toName(given)).toBe(name)
})
