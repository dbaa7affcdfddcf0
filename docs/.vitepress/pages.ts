import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of the documents. */
export const docs = dirname(import.meta.dirname)

/** A page of the site. `path` is its file from `docs`, with `/`. */
export interface Page {
  readonly path: string
  readonly title: string
  readonly description: string
}

/** A group of the sidebar. */
export interface Group {
  readonly title: string
  readonly pages: readonly Page[]
  /** Its pages are left out of `llms-full.txt`, and readers can fold it away. */
  readonly isLong?: boolean
}

/** A part of the site: one entry of the navigation, with its groups. */
export interface Section {
  readonly title: string
  readonly groups: readonly Group[]
}

/** Pages with a group of their own, in reading order. Other pages of their folder follow under "More". */
const order = {
  start: ['getting-started', 'concepts', 'choosing', 'guarantees'],
  build: [
    'channels',
    'presence',
    'mutations',
    'reconnecting',
    'streams',
    'partitions',
    'http',
    'table-sources',
    'authentication',
    'revoking',
    'testing',
    'schema-changes',
    'react',
    'recipes',
    'live-auction',
  ],
  operate: ['deploying', 'operations', 'debugging', 'troubleshooting', 'erasing-data'],
} as const

/** The parts of the site in the order of the navigation. Every page is in one of them. */
export function sections(): readonly Section[] {
  const guides = pagesOf('guide')
  const named = (names: readonly string[]) =>
    names.flatMap((name) => guides.filter(({ path }) => path === `guide/${name}.md`))
  const grouped = [...named(order.start), ...named(order.build), ...named(order.operate)]
  return [
    { title: 'Start', groups: [{ title: 'Start', pages: named(order.start) }] },
    {
      title: 'Guide',
      groups: [
        { title: 'Build', pages: named(order.build) },
        { title: 'Operate', pages: named(order.operate) },
        { title: 'More', pages: guides.filter((page) => !grouped.includes(page)) },
      ],
    },
    { title: 'Migrate', groups: [{ title: 'Migrate', pages: pagesOf('migrate') }] },
    {
      title: 'Reference',
      groups: [
        { title: 'Reference', pages: pagesOf('reference') },
        { title: 'Packages', pages: pagesOf('reference/api'), isLong: true },
      ],
    },
    { title: 'Design', groups: [{ title: 'Design', pages: pagesOf('design') }] },
    { title: 'Decisions', groups: [{ title: 'Decisions', pages: pagesOf('decisions'), isLong: true }] },
  ].map(({ title, groups }) => ({ title, groups: groups.filter(({ pages }) => pages.length > 0) }))
}

/** Replaces `<!-- pages of decisions -->` by a list of the pages of that folder. */
export function withLists(text: string): string {
  return text.replaceAll(/^<!-- pages of ([\w/]+) -->$/gm, (_, folder: string) =>
    pagesOf(folder)
      .filter(({ path }) => !path.endsWith('/index.md'))
      .map(({ path, title }) => `1. [${title}](/${path})`)
      .join('\n'),
  )
}

/** The pages of a folder by their path, its first page before the others. `reference/api` includes its folders. */
function pagesOf(folder: string): readonly Page[] {
  const recursive = folder === 'reference/api'
  return list(folder, recursive)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
    .sort((a, b) => Number(b.endsWith('/index.md')) - Number(a.endsWith('/index.md')) || (a < b ? -1 : 1))
    .map(readPage)
}

function list(folder: string, recursive: boolean): readonly string[] {
  try {
    return readdirSync(join(docs, folder), { recursive, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
  } catch {
    return [] // the reference is not generated yet, or nobody has written the folder
  }
}

function readPage(path: string): Page {
  const text = readFileSync(join(docs, path), 'utf8')
  const field = (name: string) => new RegExp(`^${name}: "?(.+?)"?$`, 'm').exec(text)?.[1] ?? ''
  return { path, title: field('title'), description: field('description') }
}
