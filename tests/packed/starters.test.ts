import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Framework, frameworks, type Template, templates } from 'create-trunkline'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium } from '../../scripts/chromium.mjs'
import { startProject, visitProject } from './starter-pages.ts'
import { createFolder, packAll, runNode, runNpm } from './tarballs.ts'

/**
 * `npm run test:long` sets `all`: each combination is installed by itself, and all are run. `together` runs all of them
 * with one install, in a third of the time.
 */
const isAlone = process.env['TRUNKLINE_STARTERS'] === 'all'
const isLong = isAlone || process.env['TRUNKLINE_STARTERS'] === 'together'
const combinations = (Object.keys(templates) as Template[]).flatMap((template) =>
  (Object.keys(frameworks) as Framework[]).map((framework) => ({
    template,
    framework,
    name: `${template}-${framework}`,
  })),
)
/** Each template is opened in Chromium, in a framework of its own. The tests of two of them run too. */
const visited = isLong ? combinations.map(({ name }) => name) : ['minimal-react', 'chat-svelte', 'board-none', 'ai-vue']
const tested = isLong ? visited : ['chat-svelte', 'board-none']
const deployed = isLong ? visited : ['board-none'] // it has a table and a function of its own
const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
const executable = await findChromium()

const folder = createFolder()
const tarballs = packAll(folder)
/** The folder of all projects. They share its modules, unless each has its own. */
const shared = join(folder, 'projects')
const modules = (name: string) => join(shared, ...(isAlone ? [name] : []), 'node_modules')
let browser: Browser | undefined

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>
  dependencies: Readonly<Record<string, string>>
  devDependencies: Readonly<Record<string, string>>
  readonly overrides?: object
}
const readManifest = (name: string): Manifest => JSON.parse(readFileSync(join(shared, name, 'package.json'), 'utf8'))

/** The registry does not have this version of our packages. */
const ours = Object.fromEntries(Object.values(tarballs).map(({ name, path }) => [name, `file:${path}`]))
function fromTarballs(dependencies: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(dependencies).map(([name, version]) => [name, ours[name] ?? version]))
}

beforeAll(async () => {
  mkdirSync(join(folder, 'command'), { recursive: true })
  writeFileSync(join(folder, 'command/package.json'), '{"private":true}')
  runNpm(['install', ...quiet, tarballs['create-trunkline'].path], join(folder, 'command'))
  const cli = join(folder, 'command/node_modules/create-trunkline/dist/cli.js')
  for (const { template, framework, name } of combinations)
    runNode(
      [cli, join(shared, name), '--template', template, '--framework', framework, '--no-install', '--no-git'],
      folder,
    )
  if (isAlone) for (const { name } of combinations) installAlone(name)
  else installTogether()
  if (executable !== undefined) browser = await chromium.launch({ executablePath: executable, args: flags })
}, 3_600_000)
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']

/** One install with the dependencies of all projects, whose versions agree. */
function installTogether(): void {
  const dependencies: Record<string, string> = { ...ours }
  for (const { name } of combinations) {
    const manifest = readManifest(name)
    for (const [each, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }))
      if (ours[each] === undefined) dependencies[each] = version
  }
  const { overrides } = readManifest('minimal-react')
  writeFileSync(
    join(shared, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies, overrides }),
  )
  runNpm(['install', ...quiet], shared)
}

function installAlone(name: string): void {
  const manifest = readManifest(name)
  manifest.dependencies = fromTarballs(manifest.dependencies)
  manifest.devDependencies = fromTarballs({ ...manifest.devDependencies, ...ours }) // what they depend on, too
  writeFileSync(join(shared, name, 'package.json'), JSON.stringify(manifest))
  runNpm(['install', ...quiet], join(shared, name))
}

/** Runs a command of installed modules without waiting in between. Rejects with its output. */
async function runTool(program: string, args: readonly string[], cwd: string, env = {}): Promise<void> {
  const { NODE_OPTIONS, VITEST, VITEST_MODE, ...inherited } = process.env
  const options = { cwd, env: { ...inherited, ...env }, timeout: 600_000, maxBuffer: 16_777_216 }
  await promisify(execFile)(process.execPath, [program, ...args], options).catch(({ stdout, stderr }) => {
    throw new Error(`${program} ${args.join(' ')} failed in ${cwd}:\n${stdout}${stderr}`)
  })
}

/** Checks the types of projects in one run of the framework's compiler. */
async function typecheck(framework: Framework, names: readonly string[], installed: string): Promise<void> {
  const project = `${framework}.json`
  const include = names.flatMap((name) => ['src', 'test', '*.config.ts'].map((each) => `${name}/${each}`))
  writeFileSync(join(shared, project), JSON.stringify({ extends: `./${names[0]}/tsconfig.json`, include }))
  const warnings = ['--fail-on-warnings', '--workspace', shared]
  if (framework === 'svelte')
    return runTool(join(installed, 'svelte-check/bin/svelte-check'), ['--tsconfig', project, ...warnings], shared)
  const compiler = framework === 'vue' ? 'vue-tsc/bin/vue-tsc.js' : 'typescript/bin/tsc'
  return runTool(join(installed, compiler), ['-p', project], shared)
}

describe('create-trunkline, packed and installed in an empty folder', () => {
  test.concurrent.each(Object.keys(frameworks) as Framework[])(
    'writes projects whose types are right in %s',
    async (framework) => {
      const names = combinations.filter((each) => each.framework === framework).map(({ name }) => name)
      if (isAlone) for (const name of names) await typecheck(framework, [name], modules(name))
      else await typecheck(framework, names, modules(''))
    },
  )

  test('pins versions that npm installs together without flags', () => {
    const name = 'minimal-react' // with @trpc/tanstack-react-query, which asks for other versions
    const alone = join(folder, 'alone')
    cpSync(join(shared, name, 'package.json'), join(alone, 'package.json'))
    const manifest = readManifest(name)
    const all = { ...manifest, dependencies: fromTarballs(manifest.dependencies), devDependencies: ours }
    writeFileSync(join(alone, 'package.json'), JSON.stringify(all))
    runNpm(['install', '--package-lock-only', ...quiet], alone)
    expect(Object.keys(manifest.dependencies)).toContain('@trpc/tanstack-react-query')
    for (const each of combinations) {
      const { dependencies, devDependencies } = readManifest(each.name)
      const ranges = Object.values({ ...dependencies, ...devDependencies })
      expect(ranges.filter((range) => !/^(\d+\.\d+\.\d+|file:.+)$/.test(range))).toEqual([])
    }
  })

  test.concurrent.each(tested)('writes %s, whose own tests pass', async (name) => {
    expect(readManifest(name).scripts['test']).toBe('vitest run')
    await runTool(join(modules(name), 'vitest/vitest.mjs'), ['run'], join(shared, name))
  })

  test.concurrent.each(deployed)('writes %s, whose page and functions are built for the deployment', async (name) => {
    expect(readManifest(name).scripts['deploy']).toBe('vite build && osls deploy')
    const project = join(shared, name)
    await runTool(join(modules(name), 'vite/bin/vite.js'), ['build', '--logLevel', 'error'], project)
    expect(readdirSync(join(project, 'dist'))).toContain('index.html')
    const offline = { HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', SLS_NOTIFICATIONS_MODE: 'off' }
    await runTool(join(modules(name), 'osls/bin/serverless.js'), ['package', '--package', 'out'], project, offline)
    const template: unknown = JSON.parse(
      readFileSync(join(project, 'out/cloudformation-template-update-stack.json'), 'utf8'),
    )
    expect(template).toMatchObject({ Resources: { WebsocketLambdaFunction: {}, SiteDistribution: {} } })
  })

  test.skipIf(executable === undefined).each(visited)(
    'writes %s, which runs by npm start and whose two pages share what they show, as accessible pages',
    async (name) => {
      const { template } = combinations.find((each) => each.name === name) ?? combinations[0] ?? { template: 'minimal' }
      expect(readManifest(name).scripts['start']).toBe('vite')
      await using project = await startProject(join(shared, name), modules(name))
      if (browser !== undefined) await visitProject(browser, project.url, template)
    },
  )
})
