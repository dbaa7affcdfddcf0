import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, describe, expect, test } from 'vitest'
import { repository } from '../repository.ts'
import { bundlers } from './bundlers.ts'
import { compile, compileWithNode10, type Installer, installers, writeProject } from './project.ts'
import { serverBundlers } from './server-bundlers.ts'
import { createFolder, packAll, published, runNode } from './tarballs.ts'

const folder = createFolder()
const tarballs = packAll(folder)
afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000)

describe.each(published)('the tarball of %s', (name) => {
  const { path, files, manifest } = tarballs[name]

  test('contains the build, its sources, its licence and its readme, and no tests', () => {
    expect(files.filter((file) => !/^(dist|src|template)\//.test(file))).toEqual([
      'LICENSE',
      ...(name === 'protocol' ? ['PROTOCOL.md'] : []),
      'README.md',
      'package.json',
    ])
    expect(files.filter((file) => /^(dist|src).*(\.(test|test-d|suite)\.|fixtures)/.test(file))).toEqual([])
  })

  test('is an ES module without side effects, under the licence of the repository', () => {
    expect(manifest).toMatchObject({
      type: 'module',
      sideEffects: false,
      license: 'MIT',
      publishConfig: { access: 'public' },
    })
    expect(readFileSync(join(repository, 'packages', name, 'LICENSE'), 'utf8')).toBe(
      readFileSync(join(repository, 'LICENSE'), 'utf8'),
    )
  })

  test('depends on its siblings in its own version', () => {
    const siblings = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(([dependency]) =>
      dependency.startsWith('@trunkline/'),
    )
    expect(siblings.filter(([, range]) => range !== manifest.version)).toEqual([])
  })

  test('contains every file that its entry points name, sources included', () => {
    const named = Object.values(manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Object.values(entry as Record<string, string>),
    )
    expect(named.filter((file) => !files.includes(file.replace('./', '')))).toEqual([])
  })

  test('passes publint, including its suggestions', async () => {
    const tarball = readFileSync(path)
    const { messages, pkg } = await publint({
      pack: { tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength) },
      strict: true,
    })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  test('passes are-the-types-wrong', () => {
    const attw = join(repository, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const output = runNode([attw, path, '--profile', 'esm-only', '--format', 'json', '--no-color'], folder) // throws if it finds a problem
    expect(JSON.parse(output)).toMatchObject({
      analysis: { packageName: manifest.name, types: { kind: 'included' } },
    })
  })
})

describe.each(Object.keys(installers) as Installer[])(
  'an empty project that installs the tarballs by %s',
  (installer) => {
    const project = join(folder, installer)

    test('installs them', () => {
      writeProject(project, tarballs)
      installers[installer](project)
    })

    test.each([
      ['a bundler’s', { module: 'esnext', moduleResolution: 'bundler', noEmit: true }],
      ['Node’s', { module: 'nodenext', moduleResolution: 'nodenext' }],
    ])('compiles with %s module resolution and every declaration file checked', (_, options) => {
      const read = compile(project, options)
      expect(read.filter((file) => /@trunkline.+\.d\.ts$/.test(file)).length).toBeGreaterThan(50)
      expect(read.filter((file) => /@aws-sdk|@smithy/.test(file))).toEqual([]) // 500 files that an application should not have to compile
    })

    test('bundles a client with esbuild, Vite and webpack, which each call a local line, as Node does', async () => {
      const compiled = join(project, 'out/talk.js')
      const made: string[] = []
      for (const bundle of Object.values(bundlers)) made.push(await bundle(project, compiled))
      const output = runNode(['out/main.js', ...made], project)
      expect(JSON.parse(output)).toEqual(['hello', 'hello', 'hello', 'node too'])
      const sizes = Object.keys(bundlers).map((name, index) => `${name} ${kilobytes(made[index])}`)
      console.info(`a client of the tarballs, in KB gzip: ${sizes.join(', ')}`)
    })

    test.each(installer === 'npm' ? Object.keys(serverBundlers) : [])(
      'bundles functions by %s without a warning, and each AWS client of the bundle sends its request',
      async (name) => {
        const bundle = await serverBundlers[name]?.(project, join(project, 'out/functions.js'))
        const run = `import(process.argv[1]).then((m) => (m.default ?? m).askEachService ?? m.askEachService).then((ask) => ask()).then((asked) => console.log(JSON.stringify(asked)))`
        const output = runNode(['-e', run, pathToFileURL(bundle ?? '').href], project)
        expect(JSON.parse(output)).toEqual([
          'DynamoDB_20120810.GetItem',
          'POST /@connections/a',
          'POST /2015-03-31/functions/deliver/invocations',
          'AmazonSQS.SendMessage',
        ])
      },
    )

    test('passes the published suite of the store ports with a toy store, under the test runner of Node', () => {
      const output = runNode(['--test', '--test-reporter=tap', 'out/store-suite.js'], project) // throws if a test fails
      expect(Number(/^# pass (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(90)
    })

    test('compiles with the module resolution of Node 10, which knows no `exports`', () => {
      compileWithNode10(project)
    })

    test('runs the command of the local package', () => {
      const output = runNode(['node_modules/@trunkline/local/dist/cli.js', 'asyncapi', 'src/application.ts'], project)
      expect(JSON.parse(output)).toMatchObject({
        info: { title: 'consumer', version: '1.2.3' },
        operations: { say: { action: 'receive' } },
      })
    })
  },
)

function kilobytes(file = ''): string {
  return (gzipSync(readFileSync(file)).length / 1_024).toFixed(1)
}
