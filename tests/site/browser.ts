import { createServer } from 'node:net'
import { type Browser, chromium } from 'playwright-core'
import { preview } from 'vite'

const flags = '--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update'
const quiet = '--disable-sync --no-first-run'

/** A Chromium: the one that TRUNKLINE_CHROMIUM names, else Debian's. */
export function launchChromium(): Promise<Browser> {
  const executablePath = process.env['TRUNKLINE_CHROMIUM'] ?? '/usr/bin/chromium'
  return chromium.launch({ executablePath, args: `${flags} ${quiet}`.split(' ') })
}

/** Serves a folder as any web server does: a path without a file is 404. */
export async function serveFolder(folder: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const port = await freePort()
  const server = await preview({
    ...{ root: folder, configFile: false, appType: 'mpa', logLevel: 'silent', build: { outDir: folder } },
    preview: { port, strictPort: true, host: '127.0.0.1' },
  })
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(address)))
    })
  })
}
