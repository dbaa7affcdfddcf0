import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalLine } from '@trunkline/local'
import { line, router } from './application/router.ts'
import { type Bundle, bundle } from './bundle.ts'
import { type Contestant, contestants } from './contestants.ts'
import { readDeployedSettings } from './deployed-settings.ts'
import { measure } from './measure.ts'
import { parseOptions } from './options.ts'
import { toJson, toMarkdown } from './report.ts'

const { runs, json } = parseOptions(process.argv.slice(2))
const root = process.cwd() // scripts/benchmark.mjs runs this program in the repository's root
const folder = await mkdtemp(join(root, 'benchmarks/cold-start/node_modules/.cache/bundles-'))
const settings = readDeployedSettings(root)
const local = await startLocalLine({ router, line }) // a real table for the functions that need one

try {
  const made = new Map<string, Promise<Bundle>>()
  const bundleOf = ({ entry, oneFile = false }: Contestant): Promise<Bundle> => {
    const name = oneFile ? `${entry}-one-file` : entry
    const bundled =
      made.get(name) ??
      bundle({
        settings: oneFile ? { ...settings, splitting: false } : settings,
        root,
        entry: `benchmarks/cold-start/src/application/${entry}.ts`,
        outdir: join(folder, name),
      })
    made.set(name, bundled)
    return bundled
  }
  const entered: { readonly contestant: Contestant; readonly bundle: Bundle }[] = []
  for (const contestant of contestants) entered.push({ contestant, bundle: await bundleOf(contestant) })
  const env = { ...local.environment, TRUNKLINE_CALLBACK_URL: local.url.replace(/^ws/, 'http') }
  const measured = await measure(entered, {
    runs,
    env,
    onRound: (round) => process.stderr.write(`\rround ${round} of ${runs}`),
  })
  process.stderr.write('\n')
  process.stdout.write(`${toMarkdown(measured, runs)}\n`)
  if (json !== undefined) await writeFile(json, toJson(measured, runs))
} finally {
  await local.close()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0) // the sockets of the local line's clients stay open for a moment
