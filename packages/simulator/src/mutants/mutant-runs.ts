import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'
import { mutate } from './mutate.ts'

const root = fileURLToPath(findRoot(new URL('.', import.meta.url)))

/** The repository's folder. This module runs from the package's `dist` and, in tests, from its own folder. */
function findRoot(folder: URL): URL {
  return existsSync(new URL('package-lock.json', folder)) ? folder : findRoot(new URL('..', folder))
}

export interface MutantRuns {
  /** The maximum number of schedules for each mutant, over its workloads. */
  readonly schedules: number
  readonly seed: number
  /** The name of a single mutant to run. @default all */
  readonly only: string | undefined
  readonly print: (text: string) => void
}

/**
 * Runs random schedules of each mutant until one breaks a rule, and prints which check caught it. Resolves to the exit
 * code: 1 when a mutant survives that no exhaustive test catches either.
 */
export async function runMutants({ schedules, seed, only, print }: MutantRuns): Promise<number> {
  let [killed, total, survived] = [0, 0, 0]
  for (const mutant of mutants) {
    if (only !== undefined && mutant.name !== only) continue
    total += 1
    const caught = await runMutant(mutant, schedules, seed)
    if (caught !== undefined) {
      killed += 1
      print(
        `killed   ${mutant.name} (${mutant.breaks}): schedule ${caught.schedules} of ${mutant.workloads.join(', ')}: ${caught.text}`,
      )
    } else if (mutant.exhausted !== undefined)
      print(
        `survives ${mutant.name} (${mutant.breaks}): ${schedules} random schedules; caught by the exhaustive test ${mutant.exhausted}`,
      )
    else {
      survived += 1
      print(`SURVIVES ${mutant.name} (${mutant.breaks}): ${schedules} random schedules`)
    }
  }
  print(`mutants: ${killed} of ${total} killed by random schedules`)
  return survived > 0 ? 1 : 0
}

interface Caught {
  readonly schedules: number
  readonly text: string
}

async function runMutant(mutant: Mutant, schedules: number, seed: number): Promise<Caught | undefined> {
  const file = await buildMutant(mutant)
  const count = Math.ceil(schedules / mutant.workloads.length)
  let before = 0
  for (const workload of mutant.workloads) {
    const share = { from: seed, count, part: 0, parts: 1, workload, failures: 1 }
    const { totals, failures } = await new Promise<{
      readonly totals: { readonly schedules: number }
      readonly failures: readonly { readonly text: string }[]
    }>((resolve, reject) => {
      const worker = new Worker(file, { workerData: { share }, resourceLimits: { maxYoungGenerationSizeMb: 192 } })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    before += totals.schedules
    if (failures[0] !== undefined) return { schedules: before, text: failures[0].text }
  }
  return undefined
}

async function buildMutant(mutant: Mutant): Promise<string> {
  const outfile = `${root}packages/simulator/dist/mutants/${mutant.name}.js`
  await build({
    absWorkingDir: root,
    entryPoints: ['packages/simulator/src/main.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['trunkline-source'],
    external: ['@aws-sdk/*', '@trpc/*', 'esbuild', 'partysocket', 'zod'],
    logLevel: 'error',
    plugins: [mutate(root, mutant)],
  })
  return outfile
}
