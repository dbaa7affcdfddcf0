import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import sirv from 'sirv'
import { type DevSettings, readDevConfig } from './dev-config.ts'
import { formatProblem } from './functions/build-problem.ts'
import type { GatewayOptions } from './gateway/gateway.ts'
import { inspectorPath } from './inspector/http.ts'
import { createInspector } from './inspector/inspector.ts'
import { startEntryStack } from './local-entry.ts'

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
    throw new Error(`There is no ${config.web}, which is the page to serve: build it first.`)
  log(`bundling ${relative(process.cwd(), config.entry)}`)
  const { stack, pool } = await onFreePort(config.port, log, (port) =>
    startEntryStack({
      entry: config.entry,
      port,
      watch: true,
      http: pages(config.web),
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

async function writeEnvironment(file: string, environment: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(
    file,
    Object.entries(environment).map(([name, value]) => `${name}=${value}\n`),
  )
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

/** `/line.json` tells a page where its line is; everything else is the page. */
function pages(web: string | undefined): NonNullable<GatewayOptions['http']> {
  const serve = web === undefined ? undefined : sirv(web, { dev: true, single: true })
  return (request, response) => {
    if (request.url === '/line.json') {
      const body = JSON.stringify({ url: `ws://${request.headers.host ?? 'localhost'}/dev` })
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(body)
      return true
    }
    serve?.(request, response)
    return serve !== undefined
  }
}
