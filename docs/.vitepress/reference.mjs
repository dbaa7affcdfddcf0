/**
 * Writes the reference of every public entry point into `docs/reference/api`, from the docstrings of the sources. Fails
 * if an export or an option has no docstring, or a link of a docstring leads nowhere. Leaves out entries named `internal`.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Application, ReflectionKind } from 'typedoc'

/** @typedef {{ readonly name: string, readonly path: string, readonly about: string }} EntryPoint */

const docs = dirname(import.meta.dirname)
const root = dirname(docs)
const out = join(docs, 'reference/api')
const packages = readdirSync(join(root, 'packages')).map((folder) => join(root, 'packages', folder))
const entries = packages.flatMap(entryPoints)

const app = await Application.bootstrapWithPlugins({
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: entries.map(({ path }) => path),
  tsconfig: join(docs, '.vitepress/tsconfig.reference.json'),
  skipErrorChecking: true, // `npm run typecheck` checks the sources
  out,
  basePath: root,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  disableGit: true,
  sourceLinkTemplate: 'https://github.com/trunkline/trunkline/blob/main/packages/{path}#L{line}',
  readme: 'none',
  validation: { invalidLink: true, notDocumented: false, notExported: false }, // documentation: see below
  logLevel: 'Warn',
  ...markdownOptions(),
})
const project = await app.convert()
if (project === undefined) throw new Error('TypeDoc could not read the sources: its messages above say why')
for (const child of project.children ?? []) {
  const file = child.sources?.[0]?.fullFileName
  child.name = entries.find(({ path }) => path === file)?.name ?? child.name
}
// The source of an export is enough: its members are in the same place.
for (const reflection of Object.values(project.reflections)) {
  const owner = reflection.isSignature() ? reflection.parent.parent : reflection.parent
  if ('sources' in reflection && !isModule(owner)) reflection.sources = undefined
}
app.validate(project)
for (const reflection of Object.values(project.reflections))
  if (needsDocstring(reflection) && !hasDocstring(reflection))
    app.logger.warn(/** @type {any} */ (`${reflection.getFriendlyFullName()} has no docstring: add one in its source`))
rmSync(out, { recursive: true, force: true })
await app.generateOutputs(project)
correctAnchors(entries.map(({ name }) => join(out, `${name}.md`)))
for (const { name, about } of entries) addFrontMatter(join(out, `${name}.md`), name, about)
addFrontMatter(join(out, 'index.md'), 'Packages', 'Every entry point of the published packages.')
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1

/** @param {import('typedoc').Reflection | undefined} reflection */
function isModule(reflection) {
  return reflection?.kindOf(ReflectionKind.Module) === true
}

/** Exports, the methods of exports, and options. @param {import('typedoc').Reflection} reflection */
function needsDocstring(reflection) {
  const { parent } = reflection
  if (isModule(parent)) return !reflection.kindOf(ReflectionKind.Reference)
  if (!isModule(parent?.parent)) return false
  return (
    reflection.kindOf(ReflectionKind.Method) ||
    (reflection.kindOf(ReflectionKind.Property) && parent?.name.endsWith('Options') === true)
  )
}

/** @param {import('typedoc').Reflection} reflection */
function hasDocstring(reflection) {
  const signatures = reflection.isDeclaration() ? (reflection.signatures ?? []) : []
  return reflection.hasComment() || (signatures.length > 0 && signatures.every((each) => each.hasComment()))
}

/** How the pages look. */
function markdownOptions() {
  return {
    router: 'module',
    entryFileName: 'index',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useCodeBlocks: true,
    expandObjects: true,
    parametersFormat: 'table',
    pageTitleTemplates: { index: 'Packages', module: '{name}' },
  }
}

/**
 * The entry points of a published package that users may import.
 * @param {string} folder
 * @returns {EntryPoint[]}
 */
function entryPoints(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (manifest.private) return []
  return Object.entries(manifest.exports ?? {})
    .filter(([entry, { types }]) => types !== undefined && basename(entry) !== 'internal')
    .map(([entry, { 'trunkline-source': source }]) => ({
      name: entry === '.' ? manifest.name : `${manifest.name}/${entry.slice(2)}`,
      path: join(folder, source).replaceAll('\\', '/'), // TypeDoc reads it as a pattern
      about: manifest.description,
    }))
}

/**
 * TypeDoc numbers an anchor whose name a member in a table has too, and only headings have anchors: such a link leads
 * to the heading without the number.
 * @param {readonly string[]} paths
 */
function correctAnchors(paths) {
  const texts = new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]))
  const counts = new Map([...texts].map(([path, text]) => [path, headingsOf(text)]))
  for (const [path, text] of texts) {
    const corrected = text.replaceAll(/\]\(([^)#]*)#([\w-]+)-(\d+)\)/g, (link, target, anchor, number) => {
      const count = counts.get(target === '' ? path : join(dirname(path), target))?.get(anchor) ?? 0
      return count === 1 && number === '1' ? `](${target}#${anchor})` : link
    })
    writeFileSync(path, corrected)
  }
}

/** How often each anchor is the name of a heading. @param {string} text */
function headingsOf(text) {
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const [, heading = ''] of text.matchAll(/^#+ (.+)$/gm)) {
    const anchor = heading.toLowerCase().replaceAll(/[^\w-]/g, '')
    counts.set(anchor, (counts.get(anchor) ?? 0) + 1)
  }
  return counts
}

/**
 * @param {string} path
 * @param {string} title
 * @param {string} about
 */
function addFrontMatter(path, title, about) {
  // JSON is YAML too, and quotes what YAML would read as syntax
  const matter = `title: ${JSON.stringify(title)}\ndescription: ${JSON.stringify(about)}\neditLink: false`
  writeFileSync(path, `---\n${matter}\n---\n${readFileSync(path, 'utf8')}`)
}
