import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, compilersOf, type Measured } from './compilers.ts'
import { bare } from './contestants/bare.ts'
import { trpc } from './contestants/trpc.ts'
import { trunkline } from './contestants/trunkline.ts'
import { parseOptions } from './options.ts'
import { writeProject } from './project.ts'
import { type Result, toJson, toMarkdown } from './report.ts'

const root = process.cwd() // the command runs at the repository's root
const options = parseOptions(process.argv.slice(2))
for (const name of ['server', 'client']) {
  if (!existsSync(join(root, `packages/${name}/dist/index.d.ts`)))
    throw new Error(`packages/${name} is not built, and this benchmark measures its declarations. Run npm run build.`)
}
const folder = join(root, 'benchmarks/types/node_modules/.cache/projects')
const projects = [trunkline, trpc, bare].map((contestant) => ({
  contestant,
  path: writeProject(folder, contestant, options.procedures),
}))
const results = compilersOf(root).flatMap((compiler) =>
  projects.map((project) => ({ compiler, ...project, measured: [] as Measured[] })),
)
for (let round = 0; round <= options.rounds; round++) {
  process.stderr.write(round === 0 ? 'warming the disk …\n' : `round ${round} of ${options.rounds} …\n`)
  for (const { compiler, path, measured } of results) {
    const once = check(compiler, path)
    if (round > 0) measured.push(once)
  }
}
process.stdout.write(`${toMarkdown(results satisfies Result[], options)}\n`)
if (options.json !== undefined) writeFileSync(options.json, toJson(results, options))
