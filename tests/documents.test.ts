import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { ConfigurationError } from '@trunkline/client'
import {
  configurationSections,
  documentsUrl,
  errorDocs,
  lineErrors,
  type TrunklineErrorCode,
  trpcCodes,
  withDocs,
} from '@trunkline/protocol'
import { afterAll, describe, expect, it } from 'vitest'
import { blocksOf, pages, uses, writeBlocks } from './documents/blocks.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const made = join(uses, 'documents')

/** The paths of the sources and scripts of the repository, from its root, with `/`. */
function sourceFiles(): readonly string[] {
  return ['packages', 'tests', 'scripts', 'docs', 'examples', 'benchmarks'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => [folder, ...path.split(sep)].join('/'))
      .filter((path) => !/\/(node_modules|dist)\//.test(path)),
  )
}

const texts = pages().map(({ path, text }) => ({ file: path, text }))
/** The sources of server and client, as `/server/src/…`. */
const sources = ['server', 'client'].flatMap((name) =>
  readdirSync(join(root, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' }).map(
    (path) => `/${name}/src/${path.replaceAll('\\', '/')}`,
  ),
)
const blocks = pages().flatMap(blocksOf)

afterAll(() => rmSync(made, { recursive: true, force: true }))

describe('the documents', () => {
  it('show in the readme what compiles and runs in tests/api/readme', () => {
    const named = blocks.filter(({ file, name }) => file === 'README.md' && name !== undefined)
    expect(named.length).toBeGreaterThan(3)
    for (const { code, name = '' } of named) expect(code).toBe(`// ${name}\n${readFileSync(join(uses, name), 'utf8')}`)
  })

  it('show in other documents what compiles in tests/api/readme, where a block names its file', () => {
    const named = blocks.filter(({ file, name, runs }) => file !== 'README.md' && name !== undefined && !runs)
    expect(named.map(({ file }) => file)).toContain('docs/guide/streams.md')
    for (const { code, name = '' } of named) expect(code).toBe(`// ${name}\n${readFileSync(join(uses, name), 'utf8')}`)
  })

  it('name only files that are there in the flows of the readme', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const [, flows = ''] = /^```\n(frame in [\s\S]*?)^```/m.exec(readme) ?? []
    const names = flows.match(/[\w-]+\/[\w/-]+/g) ?? []
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter((name) => !sources.some((path) => path.endsWith(`/${name}.ts`)))).toEqual([])
  })

  it('name only files that are there in the figures of the architecture', () => {
    const architecture = readFileSync(join(root, 'docs/design/architecture.md'), 'utf8')
    const participants = [...architecture.matchAll(/^ {2}participant \w+ as (.*)$/gm)]
    const names = participants.flatMap(([, name = '']) => name.replace('/<br>', '/').match(/[\w-]+\/[\w-]+/g) ?? [])
    expect(names.length).toBeGreaterThan(6)
    expect(names.filter((name) => !sources.some((path) => path.endsWith(`/${name}.ts`)))).toEqual([])
  })

  it('name every folder of the server in the layers of the architecture', () => {
    const architecture = readFileSync(join(root, 'docs/design/architecture.md'), 'utf8')
    const [, figure = ''] = /^## Layers[\s\S]*?^flowchart TB\n([\s\S]*?)^```/m.exec(architecture) ?? []
    const folders = [join(root, 'packages/server/src'), join(root, 'packages/server/src/runtime')].flatMap((folder) =>
      readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])),
    )
    expect(folders.length).toBeGreaterThan(15)
    expect(folders.filter((name) => !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(figure))).toEqual([])
  })

  it('hold no block of code that does not compile', async () => {
    mkdirSync(made, { recursive: true })
    writeBlocks(
      made,
      blocks.filter(({ file }) => file !== 'README.md'),
    )
    const compilerOptions = { jsx: 'react-jsx', lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'] }
    const config = { extends: '../../../tsconfig.json', include: ['**/*.ts', '**/*.tsx'], compilerOptions }
    writeFileSync(join(made, 'tsconfig.json'), JSON.stringify(config))
    const tsc = join(root, 'node_modules/typescript/lib/tsc.js')
    const said = await promisify(execFile)(process.execPath, [tsc, '-p', made]).then(
      () => '',
      (error: { readonly stdout?: string }) => error.stdout ?? String(error),
    )
    expect(said).toBe('')
  })

  it('have no fence of TypeScript that is not compiled', () => {
    const fences = texts.flatMap(({ file, text }) =>
      [...text.matchAll(/^ *`{3,} *(?:tsx?|typescript|[cm]ts)\b.*$/gm)].map(([fence]) => ({ file, fence })),
    )
    expect(fences.filter(({ fence }) => !/^```tsx?( run)?$/.test(fence))).toEqual([])
  })

  it('name only source files, folders and scripts that exist', () => {
    const files = sourceFiles()
    const scripts = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts)
    const isFile = (name: string) => files.some((file) => `/${file}`.endsWith(`/${name}`))
    const isFolder = (name: string) => files.some((file) => file.startsWith(`${name}/`))
    const missing = texts.flatMap(({ file, text }) => {
      const named = [...text.matchAll(/`([\w./-]+)`/g)].map(([, name = '']) => name)
      const sources = named.filter((name) => /\.(tsx?|mjs)$/.test(name) && !isFile(name))
      const folders = named.filter(
        (name) => /^(packages|tests|scripts|docs|examples)\/[\w/-]+$/.test(name) && !isFolder(name),
      )
      const runs = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = '']) => name)
      const unknown = /^examples[/\\]/.test(relative(root, file)) ? [] : runs.filter((name) => !scripts.includes(name))
      return [...sources, ...folders, ...unknown].map((name) => `${relative(root, file)} → ${name}`)
    })
    expect(missing).toEqual([])
  })

  it('link only to files that are there', () => {
    const broken = texts.flatMap(({ file, text }) =>
      [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => join(dirname(file), target))
        .filter((target) => !exists(target))
        .map((target) => `${relative(root, file)} → ${relative(root, target)}`),
    )
    expect(broken).toEqual([])
  })

  it('link only to headings that are there', () => {
    const anchors = new Map(texts.map(({ file, text }) => [file, anchorsOf(text)]))
    const broken = texts.flatMap(({ file, text }) =>
      [...text.matchAll(/\]\(([^)#:\s]*)#([^)]+)\)/g)]
        .map(([, target = '', anchor = '']) => ({ target: target === '' ? file : join(dirname(file), target), anchor }))
        .filter(({ target, anchor }) => anchors.get(target)?.has(anchor) === false)
        .map(({ target, anchor }) => `${relative(root, file)} → ${relative(root, target)}#${anchor}`),
    )
    expect(broken).toEqual([])
  })

  it('have a title and a description under docs, and the title is the first heading', () => {
    const ofSite = texts.filter(({ file }) => /^docs[/\\](?!index)/.test(relative(root, file)))
    expect(ofSite.length).toBeGreaterThan(50)
    for (const { file, text } of ofSite) {
      const [, title = '', heading = ''] =
        /^---\ntitle: (.+)\ndescription: .+\.\n---\n# (?:\d+\. )?(.+)\n/.exec(text) ?? []
      expect([file, heading]).toEqual([file, title])
      expect([file, title]).not.toEqual([file, ''])
    }
  })

  it('number the decisions without holes', () => {
    const names = readdirSync(join(root, 'docs/decisions')).filter((name) => name !== 'index.md')
    const numbers = names.map((name) => Number(name.slice(0, 4)))
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1))
  })
})

describe('the documents agree with the sources', () => {
  const text = (path: string) => readFileSync(join(root, path), 'utf8')
  const all = (path: string, pattern: RegExp) => [...text(path).matchAll(pattern)].map(([, ...found]) => found)

  it('on the faults of the simulator and how often each occurs', () => {
    const listed = all('docs/design/faults.md', /^\| (F\d+) \| .* \| (\d+) % \|$/gm)
    const faults = all('packages/simulator/src/kernel/faults.ts', /^ {2}(F\d+): \{.*most: ([\d.]+) \}/gm)
    expect(listed.length).toBeGreaterThan(30)
    expect(listed.map(([id, share]) => [id, Number(share)]).sort()).toEqual(
      faults.map(([id, most]) => [id, Math.round(Number(most) * 100)]).sort(),
    )
  })

  it('on the rules of its checker', () => {
    const listed = all('docs/design/faults.md', /^\| (H\d+) \|/gm).flat()
    expect(listed.length).toBeGreaterThan(10)
    const rules = all('packages/simulator/src/kernel/report.ts', /^ {2}(H\d+): '/gm).flat()
    expect(listed).toEqual([...new Set(rules)])
  })

  it('on the keys of the rows', () => {
    const prefixes = (found: readonly (string | undefined)[]) => [...new Set(found)].sort()
    const listed = all('docs/design/table.md', /^\| .* \| `([A-Z]+#)[^`]*` \| .* \|$/gm).flat()
    const keys = all('packages/server/src/dynamodb/requests/keys.ts', /pk: `([A-Z]+#)/g).flat()
    expect(keys.length).toBeGreaterThan(8)
    expect(prefixes(listed)).toEqual(prefixes(keys))
  })

  it('on the codes of errors, and whether a retry can help', () => {
    const listed = all('docs/reference/errors.md', /^\| \[`([A-Z_]+)`\]\(#\w+\) \| ([\w-]+) \| (yes|no) \|/gm)
    expect(listed.length).toBeGreaterThan(10)
    expect(listed).toEqual(
      Object.entries(lineErrors).map(([code, { retry, mayHaveRun }]) => [code, retry, mayHaveRun ? 'yes' : 'no']),
    )
  })

  it('on every code that Trunkline can give: each has a heading, why it comes and what to do', () => {
    const thrown = productSources().flatMap((path) => all(path, /\bcode: '([A-Z]+_[A-Z_]+|[A-Z]{5,})'/g).flat())
    const codes = new Set([...Object.keys(lineErrors), ...thrown.filter((code) => isTrpcCode(code))])
    expect(codes.size).toBeGreaterThan(20)
    const described = all(
      'docs/reference/errors.md',
      /^### ([A-Z_]+)\n\*\*Why\.\*\* [^\n][\s\S]*?\n\n\*\*What to do\.\*\* ./gm,
    )
    expect([...codes].filter((code) => !described.flat().includes(code))).toEqual([])
  })

  it('on the addresses that errors of the client carry', () => {
    const anchors = anchorsOf(text('docs/reference/errors.md'))
    for (const code of Object.keys(lineErrors) as TrunklineErrorCode[]) {
      const [page, anchor = ''] = errorDocs(code).split('#')
      expect(page).toBe(`${documentsUrl}/reference/errors.md`)
      expect(anchors).toContain(anchor)
    }
    const { docs } = new ConfigurationError()
    expect(exists(join(root, 'docs', docs.slice(documentsUrl.length)))).toBe(true)
    const [[repositoryUrl] = []] = all('docs/.vitepress/markdown.ts', /repositoryUrl = '(.+)'/g)
    expect(documentsUrl).toBe(`${repositoryUrl}/blob/main/docs`)
  })

  it('on the addresses that errors of an application’s code and settings carry', () => {
    const anchors = anchorsOf(text('docs/reference/errors.md'))
    for (const section of configurationSections) {
      const [, anchor = ''] = withDocs(section, 'Expected a line, got none.').split(
        `${documentsUrl}/reference/errors.md#`,
      )
      expect(anchors).toContain(anchor)
    }
  })

  it('in that each error of the server about an application’s code and settings carries an address', () => {
    const folders = ['define', 'line', 'lambda', 'jwt', 'tickets', 'aws', 'erase']
    const files = folders.flatMap((folder) => {
      const names = readdirSync(join(root, 'packages/server/src', folder), { recursive: true, encoding: 'utf8' })
      return names
        .filter((name) => /(?<!\.test|\.suite)\.ts$/.test(name))
        .map((name) => `packages/server/src/${folder}/${name}`)
    })
    const messages = files.flatMap((file) => all(file, /throw new (?:Type|Range)?Error\(\s*(.{0,40})/g).flat())
    expect(messages.length).toBeGreaterThan(60)
    expect(messages.filter((message) => !message.startsWith('withDocs('))).toEqual([])
  })

  it('on the tRPC codes that stock clients get', () => {
    const listed = all('docs/reference/errors.md', /^\| `([A-Z_]+)` \| (.*#.*) \|$/gm).flatMap(([trpc, codes = '']) =>
      [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, trpc]),
    )
    expect(Object.fromEntries(listed)).toEqual(trpcCodes)
  })

  it('on the causes of a connection and the reasons of a gap', () => {
    const errors = all('docs/reference/errors.md', /^\| `([a-z-]+)` \|/gm).flat()
    const [causes = ''] =
      /readonly code: ('.*)$/m.exec(text('packages/client/src/session/machine/connection-state.ts')) ?? []
    const [reasons = ''] =
      /type GapReason =[^\n]*(\n +\|[^\n]*)*/.exec(text('packages/protocol/src/frames/frames.ts')) ?? []
    const codes = [causes, reasons].flatMap((union) => [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code))
    expect(codes.length).toBeGreaterThan(10)
    expect([...errors].sort()).toEqual([...codes].sort())
  })
})

/** The sources of protocol, server and client, from the root, without their tests. */
function productSources(): readonly string[] {
  return sourceFiles().filter((path) =>
    /^packages\/(protocol|server|client)\/src\/(?!.*(\.test|\.suite|testing\/)).*\.ts$/.test(path),
  )
}

function isTrpcCode(code: string): boolean {
  return Object.hasOwn(TRPC_ERROR_CODES_BY_KEY, code)
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

function exists(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR'
  }
}
