import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hrefOf } from './markdown.ts'
import { docs, type Group, type Page, type Section, withLists } from './pages.ts'

/** What the site is, for readers that see nothing else of it. */
export interface Site {
  readonly title: string
  readonly description: string
  readonly base: string
}

/**
 * Writes each page as Markdown next to its HTML (`guide/streams.md`), `llms.txt` (a list of all pages with what each is
 * about) and `llms-full.txt` (the text of all pages but the decisions and the reference of the packages).
 * @param out the folder of the built site
 */
export function writePlainText(out: string, { title, description, base }: Site, sections: readonly Section[]): void {
  const groups = sections.flatMap((section) => section.groups)
  const home = { path: 'index.md', title, description }
  for (const page of [home, ...groups.flatMap(({ pages }) => pages)]) write(join(out, page.path), textOf(page))
  const heading = `# ${title}\n\n> ${description}\n`
  const lists = groups.map(
    (group) => `## ${group.title}\n\n${group.pages.map((page) => entry(page, base)).join('\n')}\n`,
  )
  write(join(out, 'llms.txt'), [heading, ...lists].join('\n'))
  const full = groups.filter(isProse).flatMap(({ pages }) => pages.map(textOf))
  write(join(out, 'llms-full.txt'), [heading, ...full].join('\n'))
}

function isProse({ isLong = false }: Group): boolean {
  return !isLong
}

function entry({ path, title, description }: Page, base: string): string {
  return `- [${title}](${base}${path}): ${description}`
}

/** The text of a page without its front matter, with links that work outside of the repository. */
function textOf({ path }: Page): string {
  const text = readFileSync(join(docs, path), 'utf8').replace(/^---\n[\s\S]*?\n---\n/, '')
  return withLists(text).replaceAll(/\]\(([^)\s]+)\)/g, (_, target: string) => `](${hrefOf(target, path)})`)
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
