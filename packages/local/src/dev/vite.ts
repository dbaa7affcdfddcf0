import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type DevLine, dev } from './dev.ts'
import type { DevSettings } from './dev-config.ts'

/** The part of Vite's development server that the plugin uses. */
export interface ViteServerLike {
  readonly config: {
    readonly root: string
    readonly logger: { info(text: string): void; error(text: string): void }
    readonly server: { readonly https?: unknown }
  }
  /** Null when Vite runs inside of another server, as in tests. */
  readonly httpServer: Pick<Server, 'once' | 'address'> | null
  readonly middlewares: {
    use(path: string, handler: (request: IncomingMessage, response: ServerResponse) => void): unknown
  }
  readonly watcher: { once(event: 'change', listener: () => void): unknown }
}

/** A plugin of Vite. */
export interface TrunklinePlugin {
  readonly name: 'trunkline'
  readonly apply: 'serve'
  /** Starts the line when the server listens, and closes it with the server. */
  configureServer(server: ViteServerLike): void
}

/** The settings of `trunkline.config.json`, which these override. */
export interface TrunklineOptions extends Omit<DevSettings, 'web'> {
  /** The folder of `trunkline.config.json`. @default the root of Vite */
  readonly folder?: string
}

/**
 * Runs the project's line with Vite's development server, as `trunkline dev` does: `vite` starts both, and both end
 * together. The page finds the line at `/line.json`, and its origin may connect. In a build and in tests the plugin
 * does nothing. An error of the start is printed, and the line starts after the next change of a file.
 */
export function trunkline({ folder, ...settings }: TrunklineOptions = {}): TrunklinePlugin {
  return {
    name: 'trunkline',
    apply: 'serve',
    configureServer(server) {
      const { httpServer } = server
      if (httpServer === null) return
      const line = new Promise<RunningLine>((resolve) => {
        httpServer.once('listening', () => {
          allowPages(server, httpServer.address() as AddressInfo)
          resolve(new RunningLine(server, folder ?? server.config.root, settings))
        })
      })
      httpServer.once('close', () => void line.then((running) => running.close()))
      server.middlewares.use('/line.json', (_, response) => {
        void line.then((running) => running.address()).then((address) => respond(response, address))
      })
    },
  }
}

/** Adds the origins of Vite's pages to those that the functions accept. */
function allowPages({ config }: ViteServerLike, { port }: AddressInfo): void {
  const scheme = config.server.https ? 'https' : 'http'
  const pages = ['localhost', '127.0.0.1'].map((host) => `${scheme}://${host}:${port}`)
  const { TRUNKLINE_ORIGINS = '' } = process.env
  const known = TRUNKLINE_ORIGINS.split(',').filter((origin) => origin.trim() !== '')
  process.env['TRUNKLINE_ORIGINS'] = [...new Set([...known, ...pages])].join(',')
}

function respond(response: ServerResponse, line: DevLine | undefined): void {
  response.setHeader('content-type', 'application/json')
  response.setHeader('cache-control', 'no-store')
  if (line === undefined) {
    response.statusCode = 503
    response.end(JSON.stringify({ message: 'The line did not start. The output of Vite says why.' }))
  } else response.end(JSON.stringify({ url: line.url, httpUrl: line.url.replace(/^ws/, 'http') }))
}

/** A line that is started again after a failed start. */
class RunningLine {
  readonly #server: ViteServerLike
  readonly #start: () => Promise<DevLine>
  #starting: Promise<DevLine | undefined>
  #isClosed = false

  constructor(server: ViteServerLike, folder: string, settings: DevSettings) {
    const { logger } = server.config
    this.#server = server
    this.#start = () => dev(folder, { ...settings, log: (text) => logger.info(`  line: ${text}`) })
    this.#starting = this.#run()
  }

  /** The line, once its start has ended. Undefined if it failed. */
  address(): Promise<DevLine | undefined> {
    return this.#starting
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await (await this.#starting)?.close()
  }

  async #run(): Promise<DevLine | undefined> {
    const { logger } = this.#server.config
    try {
      const line = await this.#start()
      logger.info(`  ➜  Line:      ${line.url}\n  ➜  Inspector: ${line.inspector}`)
      return line
    } catch (error) {
      logger.error(`The line did not start. ${error instanceof Error ? error.message : error}`)
      this.#server.watcher.once('change', () => {
        if (!this.#isClosed) this.#starting = this.#run()
      })
      return undefined
    }
  }
}
