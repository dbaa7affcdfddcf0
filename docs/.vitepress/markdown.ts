import { existsSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { renderMermaidSVG } from 'beautiful-mermaid'
import type { MarkdownRenderer } from 'vitepress'
import { docs, withLists } from './pages.ts'

/** Where the sources are published. Links that lead out of `docs` lead there. */
export const repositoryUrl = 'https://github.com/trunkline/trunkline'

/** The colours of the figures, which `theme/style.css` sets for light and dark pages. */
const colours = {
  bg: 'var(--figure-background)',
  fg: 'var(--figure-text)',
  line: 'var(--figure-line)',
  muted: 'var(--figure-label)',
  transparent: true,
}

/** Makes an anchor of a heading as GitHub does, so that one link works there and on the site. */
export function slugify(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/**
 * The address of a link's target. A relative target outside of `docs` becomes its address in the repository.
 * @param page the path of the page from `docs`, with `/`
 */
export function hrefOf(target: string, page: string): string {
  if (target === '' || /^(#|\/|[a-z]+:)/i.test(target)) return target
  const [, path = '', anchor = ''] = /^([^#]*)(#.*)?$/.exec(target) ?? []
  const resolved = posix.join('docs', posix.dirname(page), path)
  if (resolved.startsWith('docs/')) return target
  const full = join(docs, '..', resolved)
  const kind = existsSync(full) && statSync(full).isDirectory() ? 'tree' : 'blob'
  return `${repositoryUrl}/${kind}/main/${resolved}${anchor}`
}

/** Makes links of documents work on the site, and draws their Mermaid figures as SVG that needs no script. */
export function extendMarkdown(md: MarkdownRenderer): void {
  md.core.ruler.before('normalize', 'lists-of-pages', (state) => {
    state.src = withLists(state.src)
  })
  md.core.ruler.push('links-out-of-docs', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? []))
      if (token.type === 'link_open') token.attrSet('href', hrefOf(token.attrGet('href') ?? '', env.relativePath ?? ''))
  })
  const fence = md.renderer.rules.fence
  md.renderer.rules.fence = (tokens, index, options, env, self) => {
    const token = tokens[index]
    if (token?.info.trim() === 'mermaid') return figure(token.content, index)
    return fence?.(tokens, index, options, env, self) ?? ''
  }
}

/**
 * A figure. It scrolls where it is wider than the page, and is never smaller than 80 % of its size. Vue ignores `<style>`
 * in a page, so the rules are in `theme/style.css`.
 */
function figure(code: string, index: number): string {
  const svg = renderMermaidSVG(withoutSettings(code), colours)
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replaceAll(/(id="|url\(#)([\w-]+)/g, `$1figure-${index}-$2`)
    .replace(/ width="([\d.]+)" height="[\d.]+" style="/, (_, width: string) => {
      const widest = Math.ceil(Number(width))
      return ` style="max-width:${widest}px;min-width:${Math.ceil(widest * 0.8)}px;`
    })
    .replaceAll(/\n\s*/g, ' ')
  return `<figure class="figure" tabindex="0" role="group" aria-label="Figure" v-pre>${svg}</figure>\n`
}

/** The settings are for GitHub. The drawing has room for a message of a sequence in one line. */
function withoutSettings(code: string): string {
  const drawn = code.replace(/^---\n[\s\S]*?\n---\n/, '')
  return drawn.startsWith('sequenceDiagram') ? drawn.replaceAll(/^(\s*\S+?-.*?:.*)$/gm, withoutBreaks) : drawn
}

function withoutBreaks(line: string): string {
  return line.replaceAll('<br>', ' ')
}
