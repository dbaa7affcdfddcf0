import { type DefaultTheme, defineConfig } from 'vitepress'
import { extendMarkdown, repositoryUrl, slugify } from './markdown.ts'
import { type Group, type Section, sections } from './pages.ts'
import { writePlainText } from './plain-text.ts'

const title = 'Trunkline'
const description = 'Typed realtime RPC on AWS serverless WebSockets.'
const base = process.env['TRUNKLINE_DOCS_BASE'] ?? '/'
const all = sections()
/** These parts have one sidebar, so that a reader can go from one guide to any other. */
const guides = all.filter((section) => ['Start', 'Guide', 'Migrate'].includes(section.title))
const others = all.filter((section) => !guides.includes(section))

const linkOf = (path: string) => `/${path.replace(/(index)?\.md$/, '')}`

/** The entry of a part in the navigation. It is marked on each page of the part. */
function navItem({ title: text, groups }: Section): DefaultTheme.NavItem {
  const links = groups.flatMap(({ pages }) => pages.map(({ path }) => linkOf(path)))
  return { text, link: links[0] ?? '/', activeMatch: `^(${links.join('|')})(\\.html)?$` }
}

function sidebarOf(groups: readonly Group[]): DefaultTheme.SidebarItem[] {
  return groups.map((group) => ({
    text: group.title,
    ...(group.isLong ? { collapsed: false } : {}),
    items: group.pages.map(({ title: text, path }) => ({ text, link: linkOf(path) })),
  }))
}

/** The sidebar of each folder. */
function sidebars(): DefaultTheme.SidebarMulti {
  const guide = sidebarOf(guides.flatMap(({ groups }) => groups))
  const rest = others.map(({ title: name, groups }) => [`/${name.toLowerCase()}/`, sidebarOf(groups)])
  return { '/guide/': guide, '/migrate/': guide, ...Object.fromEntries(rest) }
}

export default defineConfig({
  title,
  description,
  base,
  lang: 'en',
  outDir: process.env['TRUNKLINE_DOCS_OUT'] ?? '.vitepress/dist',
  srcExclude: ['node_modules/**'],
  ignoreDeadLinks: 'localhostLinks', // an address of the reader's own machine, in the help of a command
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: { config: extendMarkdown, anchor: { slugify }, theme: { light: 'github-light', dark: 'github-dark' } },
  buildEnd: ({ outDir }) => writePlainText(outDir, { title, description, base }, all),
  transformHead: ({ page }) =>
    page === '404.md' ? [] : [['link', { rel: 'alternate', type: 'text/markdown', href: `${base}${page}` }]],
  themeConfig: {
    nav: all.filter(({ groups }) => groups.length > 0).map(navItem),
    sidebar: sidebars(),
    outline: { level: [2, 3] },
    search: {
      provider: 'local',
      options: {
        // the frames of the wire would be a third of the index, and PROTOCOL.md describes them
        _render: (text, env, md) =>
          env.relativePath?.startsWith('reference/api/@trunkline/protocol') ? '' : md.render(text, env),
        miniSearch: {
          // what people write about a word comes before where it is declared
          searchOptions: { boostDocument: (id) => (/\/(reference\/api|decisions|design)\//.test(id) ? 0.2 : 1) },
        },
      },
    },
    socialLinks: [{ icon: 'github', link: repositoryUrl }],
    editLink: { pattern: `${repositoryUrl}/edit/main/docs/:path`, text: 'Edit this page' },
    externalLinkIcon: false,
    notFound: {
      title: 'There is no such page',
      quote: 'Search for it, or start at the first page.',
      linkText: 'To the first page',
    },
  },
})
