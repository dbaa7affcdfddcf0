/**
 * Checks the built site: each link, picture, style sheet and script of each page that is not of another site must be
 * there, and so must its anchor. VitePress checks the links of pages, but neither anchors nor the reference.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Returns `page → target` for each link of a site that leads nowhere.
 * @param {string} folder the folder of the built site
 * @param {string} [base] the path that the site is served under
 * @returns {string[]}
 */
export function brokenLinks(folder, base = '/') {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'))
  const pages = new Map(
    files.filter((path) => path.endsWith('.html')).map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  )
  const anchors = new Map([...pages].map(([path, html]) => [path, anchorsOf(html)]))
  return [...pages].flatMap(([page, html]) =>
    [...new Set(targetsOf(html))]
      .filter((target) => !leadsSomewhere(page, target))
      .map((target) => `${page} → ${target}`),
  )

  /**
   * @param {string} page
   * @param {string} target
   */
  function leadsSomewhere(page, target) {
    const [path = '', anchor = ''] = target.split('#')
    if (path.startsWith('/') && !path.startsWith(base)) return false
    const local = path.startsWith('/') ? path.slice(base.length) : posix.join(posix.dirname(page), path)
    const file = path === '' ? page : pageOf(decodeURIComponent(local))
    if (!existsSync(join(folder, file))) return false
    return anchor === '' || !pages.has(file) || anchors.get(file)?.has(decodeURIComponent(anchor)) === true
  }
}

/** @param {string} path */
function pageOf(path) {
  const file = path === '.' ? '' : path
  return file === '' || file.endsWith('/') ? `${file}index.html` : posix.extname(file) === '' ? `${file}.html` : file
}

/** @param {string} html */
function anchorsOf(html) {
  return new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => unescapeHtml(id)))
}

/** The targets that are on the same site. @param {string} html */
function targetsOf(html) {
  const withoutCode = html.replaceAll(/<script[^>]*>[\s\S]*?<\/script>/g, '')
  return [...withoutCode.matchAll(/\s(?:href|src)="([^"]+)"/g)]
    .map(([, target = '']) => unescapeHtml(target))
    .filter((target) => !/^([a-z]+:|\/\/)/i.test(target))
}

/** @param {string} text */
function unescapeHtml(text) {
  return text.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"')
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = process.env.TRUNKLINE_DOCS_OUT ?? join(import.meta.dirname, 'dist')
  const broken = brokenLinks(folder, process.env.TRUNKLINE_DOCS_BASE)
  for (const line of broken) console.error(line)
  if (broken.length > 0) {
    console.error(`${broken.length} links of the site lead nowhere: correct them, or the pages that they name`)
    process.exitCode = 1
  }
}
