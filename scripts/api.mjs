/**
 * `npm run api`: compares the API report of each entry point (`packages/<name>/etc/<entry>.api.md`) with the built
 * declarations, and fails when one differs. `npm run api -- --update` writes the reports. Run `npm run build` first.
 * Entries named `internal` have no report.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { main, root, StepFailure, say } from './steps.mjs'

/** @typedef {{ readonly report: string, readonly declarations: string }} EntryPoint */

const packages = ['protocol', 'server', 'client', 'deploy', 'serverless', 'cdk', 'local', 'create-trunkline']
const update = process.argv.includes('--update')
const temporary = mkdtempSync(join(tmpdir(), 'trunkline-api-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

await main(async () => {
  const changed = packages.flatMap(changedReports)
  if (changed.length === 0) say('the API reports agree with the declarations')
  else if (update) say(`wrote ${changed.join(', ')}`)
  else
    throw new StepFailure(
      `the public API differs from its report in ${changed.join(', ')}: if the change is meant, run \`npm run api -- --update\` and commit the reports`,
    )
  return 0
})

/**
 * The reports of a package that differ from its declarations, written first with `--update`.
 * @param {string} name
 * @returns {string[]}
 */
function changedReports(name) {
  const folder = join(root, 'packages', name)
  const reports = join(folder, 'etc')
  mkdirSync(reports, { recursive: true })
  const entries = entryPoints(folder)
  const configs = entries.map((entry) => configOf(folder, entry))
  const [first] = configs
  if (first === undefined) return []
  const compilerState = CompilerState.create(first, {
    additionalEntryPoints: entries.map(({ declarations }) => declarations),
  })
  const stale = removeOthers(reports, entries)
  return [...configs.filter((config) => reportChanged(config, compilerState)), ...stale].map((each) =>
    relative(root, typeof each === 'string' ? each : each.reportFilePath).replaceAll('\\', '/'),
  )
}

/**
 * What `exports` of package.json offers to users.
 * @param {string} folder
 * @returns {EntryPoint[]}
 */
function entryPoints(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return Object.entries(exports)
    .filter(([entry, { types }]) => types !== undefined && basename(entry) !== 'internal')
    .map(([entry, { types }]) => {
      const declarations = join(folder, types)
      if (!existsSync(declarations))
        throw new StepFailure(`there is no ${relative(root, declarations)}: run \`npm run build\` first`)
      const report = entry === '.' ? 'index' : entry.slice(2).replaceAll('/', '-')
      return { report: `${report}.api.md`, declarations }
    })
}

/**
 * @param {string} folder
 * @param {EntryPoint} entry
 */
function configOf(folder, { report, declarations }) {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    types: ['node'],
  }
  /** @type {import('@microsoft/api-extractor').IConfigMessageReportingTable} */
  const silent = { default: { logLevel: /** @type {any} */ ('none') } }
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: declarations,
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions, files: [declarations] } },
      apiReport: {
        enabled: true,
        reportFileName: report,
        reportFolder: join(folder, 'etc'),
        reportTempFolder: temporary,
        includeForgottenExports: true, // the members of an options type are API, exported or not
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { extractorMessageReporting: silent, tsdocMessageReporting: silent },
    },
  })
}

/**
 * @param {ExtractorConfig} extractorConfig
 * @param {CompilerState} compilerState
 */
function reportChanged(extractorConfig, compilerState) {
  const { apiReportChanged, errorCount } = Extractor.invoke(extractorConfig, {
    compilerState,
    localBuild: update,
    printApiReportDiff: !update,
    messageCallback: (message) => {
      // Every message of the console but the difference and errors: this script says what to do.
      message.handled = message.category === 'console' && !/diff|error/i.test(message.messageId)
    },
  })
  if (errorCount > 0) throw new StepFailure(`api-extractor could not read ${extractorConfig.mainEntryPointFilePath}`)
  return apiReportChanged
}

/**
 * Reports of entry points that no longer exist, removed first with `--update`.
 * @param {string} folder
 * @param {readonly EntryPoint[]} entries
 */
function removeOthers(folder, entries) {
  const others = readdirSync(folder)
    .filter((file) => !entries.some(({ report }) => report === file))
    .map((file) => join(folder, file))
  if (update) for (const file of others) rmSync(file)
  return others
}
