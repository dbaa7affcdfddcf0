import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { type DevSettings, readDevConfig } from './dev-config.ts'
import { formatProblem } from './functions/build-problem.ts'
import { inspectorPath } from './inspector/http.ts'
import { createInspector } from './inspector/inspector.ts'
import { startEntryStack } from './local-entry.ts'
import { createPages } from './web-pages.ts'

export interface DevLine {
  /** The address to open, or the line's own where there is no page. */
  readonly address: string
  /** `ws://localhost:port/dev` */
  readonly url: string
  /** The page that shows what goes on in the line. */
  readonly inspector: string
  close(): Promise<void>
}

const portsToTry = 20

/** Runs a project's line with reload on change and serves its built page. Throws an `Error` that says what is missing. */
export async function dev(
  folder: string,
  options: DevSettings & { readonly log: (text: string) => void },
): Promise<DevLine> {
  const { log, ...given } = options
  const config = await readDevConfig(folder, given)
  if (!existsSync(config.entry)) throw new Error(`There is no ${config.entry}, which is the entry to run.`)
  if (config.web !== undefined && !existsSync(config.web))
    log(`there is no ${config.web} yet, which is the page: it is served once it is built`)
  log(`bundling ${relative(process.cwd(), config.entry)}`)
  const { stack, pool } = await onFreePort(config.port, log, (port) =>
    startEntryStack({
      entry: config.entry,
      port,
      watch: true,
      http: createPages(config.web),
      inspector: createInspector,
      onMistake: ({ path }) => log(`no line at ${path}: it is at ws://localhost:${port}/dev`),
      onReload: (report) =>
        log(
          report.status === 'reloaded'
            ? 'reloaded'
            : `kept the old code: ${report.problems.map(formatProblem).join('\n')}`,
        ),
      onError: ({ name, result }) =>
        log(`${name}: ${result.status === 'ok' ? 'ok' : (result.errorMessage ?? result.status)}`),
      ...(config.data === undefined ? {} : { dataDir: config.data }),
      ...(config.tables === undefined ? {} : { tables: config.tables }),
    }),
  )
  if (config.env !== undefined) await writeEnvironment(config.env, stack.scriptEnvironment)
  const url = `ws://localhost:${stack.gateway.port}/dev`
  return {
    address: config.web === undefined ? url : `http://localhost:${stack.gateway.port}`,
    url,
    inspector: `http://localhost:${stack.gateway.port}${inspectorPath}`,
    async close() {
      if (config.env !== undefined) await rm(config.env, { force: true }) // its addresses lead nowhere now
      await stack.close()
      await pool.close()
    },
  }
}

/** Only the user may read it: it says how to reach every port of the line. A file that is there is replaced, and so are its modes. */
async function writeEnvironment(file: string, environment: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await rm(file, { force: true })
  const lines = Object.entries(environment).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(file, lines, { mode: 0o600, flag: 'wx' })
}

/** A port in use is no reason to stop: the next one is tried. */
async function onFreePort<T>(
  first: number,
  log: (text: string) => void,
  start: (port: number) => Promise<T>,
): Promise<T> {
  for (let port = first; ; port++) {
    try {
      return await start(port)
    } catch (error) {
      const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!inUse || port >= first + portsToTry) throw error
      log(`port ${port} is in use, trying ${port + 1}`)
    }
  }
}
