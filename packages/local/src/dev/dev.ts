import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { defined } from '@trunkline/protocol'
import type { InvokeResult } from '../emulators/lambda/invocations/lambda-function.ts'
import { formatProblem } from '../emulators/lambda/runtime/build-error.ts'
import { type Resources, withResources } from '../emulators/resources.ts'
import { PoolApplication } from '../inspector/application/application.ts'
import { inspectorPath } from '../inspector/http.ts'
import { Inspector } from '../inspector/local/inspector.ts'
import { startEntryStack } from '../line/start-local-entry.ts'
import { announceLine } from '../stage/running-lines.ts'
import { type DevConfig, type DevSettings, readDevConfig } from './dev-config.ts'
import { createPages } from './web-pages.ts'

export interface DevLine {
  /** The address of the page, or the line's own address if there is no page. */
  readonly address: string
  /** `ws://localhost:port/dev` */
  readonly url: string
  /** The address of the inspector, which shows the line's activity. */
  readonly inspector: string
  close(): Promise<void>
}

/**
 * Runs a project's line, reloads it on changes and serves its built page. A port named in `options` must be free;
 * otherwise the next free port is used. Throws an `Error` that names what is missing.
 */
export async function dev(
  folder: string,
  options: DevSettings & { readonly log: (text: string) => void },
): Promise<DevLine> {
  const { log, ...settings } = options
  const config = await readDevConfig(folder, settings)
  if (!existsSync(config.entry))
    throw new Error(
      `The entry ${config.entry} does not exist. Name the module that exports your functions with --entry.`,
    )
  await checkEnvironmentFile(config.env)
  if (config.web !== undefined && !existsSync(config.web))
    log(`the page ${config.web} is not built yet; it is served once it exists`)
  log(`bundling ${relative(process.cwd(), config.entry)}`)
  const portsToTry = settings.port === undefined ? 21 : 1
  return onFreePort({ first: config.port, portsToTry, log }, (port) =>
    withResources((resources) => openDev(config, { port, log, resources })),
  )
}

async function openDev(
  config: DevConfig,
  options: { readonly port: number; readonly log: (text: string) => void; readonly resources: Resources },
): Promise<DevLine> {
  const { port, log, resources } = options
  const { dynamodb, data, tables, backgroundRuns, streamRecords, env } = config
  let inspector: Inspector | undefined
  const starting = startEntryStack({
    entry: config.entry,
    port,
    watch: true,
    http: createPages(config.web),
    inspector(clock) {
      inspector = new Inspector(clock)
      return inspector
    },
    onRejectedUpgrade: ({ path }) => log(`no line at ${path}; connect to ws://localhost:${port}/dev`),
    onReload: (report) =>
      log(
        report.status === 'reloaded'
          ? 'reloaded'
          : `build failed, kept the old code: ${report.problems.map(formatProblem).join('\n')}`,
      ),
    onError: ({ name, result }) => log(`${name}: ${describeResult(result)}`),
    keepsTables: true,
    ...defined({ dynamodb, dataDir: data, tables, backgroundRuns, streamRecords }),
  })
  const { stack, pool } = await resources.add(starting, async ({ stack, pool }) => {
    await stack.close()
    await pool.close()
  })
  const application = new PoolApplication(pool)
  inspector?.describeBy(application)
  await resources.add(application, (opened) => opened.close())
  if (env !== undefined)
    await resources.add(writeEnvironment(env, stack.scriptEnvironment), () => rm(env, { force: true }))
  const announced = {
    pid: process.pid,
    port: stack.gateway.port,
    entry: config.entry,
    environment: stack.scriptEnvironment,
  }
  await resources.add(announceLine(announced), (remove) => remove())
  const url = `ws://localhost:${stack.gateway.port}/dev`
  return {
    address: config.web === undefined ? url : `http://localhost:${stack.gateway.port}`,
    url,
    inspector: `http://localhost:${stack.gateway.port}${inspectorPath}`,
    close: () => resources.close(), // the environment file is removed first, since its addresses become invalid
  }
}

/** The message of a failed run, and the line of the application that threw. */
function describeResult(result: InvokeResult): string {
  if (result.status === 'ok') return 'ok'
  const { errorMessage = result.status, trace = [] } = result
  const line = trace.find((each) => /^\s*at /.test(each) && !/node:|node_modules|<anonymous>/.test(each))
  return line === undefined ? errorMessage : `${errorMessage} ${line.trim()}`
}

/** The first line of the environment file. A run that was killed leaves the file, and the next one replaces it. */
const environmentMark = '# Written by trunkline dev, and removed when it stops.\n'

/** Throws an `Error` if the file has contents of the user: it would be replaced, and removed at the end. */
async function checkEnvironmentFile(file: string | undefined): Promise<void> {
  if (file === undefined || !existsSync(file)) return
  const text = await readFile(file, 'utf8')
  if (text !== '' && !text.startsWith(environmentMark))
    throw new Error(
      `Expected env to name a new file, got ${file}, which trunkline dev did not write. The file receives the environment of the line and is removed at the end: name another one, such as .trunkline/local.env. It gives the functions no variables: they have those of this process.`,
    )
}

/**
 * Writes the environment file, readable by its user only, because it allows access to every port of the line. An
 * existing file is replaced, including its mode.
 */
async function writeEnvironment(file: string, environment: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await rm(file, { force: true })
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(file, [environmentMark, ...lines], { mode: 0o600, flag: 'wx' })
}

/** Tries ports in ascending order while they are in use. Throws an `Error` that names the last one. */
async function onFreePort<T>(
  options: { readonly first: number; readonly portsToTry: number; readonly log: (text: string) => void },
  start: (port: number) => Promise<T>,
): Promise<T> {
  const { first, portsToTry, log } = options
  for (let port = first; ; port++) {
    try {
      return await start(port)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
      if (port + 1 >= first + portsToTry)
        throw new Error(`Port ${port} is in use. Name another port, or none to use a free one.`, { cause: error })
      log(`port ${port} is in use, trying ${port + 1}`)
    }
  }
}
