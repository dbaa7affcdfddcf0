import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'

const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** What CloudFront does for a page: its function runs before a file is read, and responses get its headers. */
export interface Distribution {
  readonly headers: () => Readonly<Record<string, string>>
  /** A response of its own, or the path of the file. */
  readonly onRequest: (path: string) => { readonly body: string } | { readonly uri: string }
}

export interface PageServer {
  readonly origin: string
  close(): Promise<void>
}

/**
 * Serves a built page, and files with addresses as the dev server has them. The line may start later: it must know the
 * origin.
 */
export async function servePage(
  folder: string,
  addresses: Readonly<Record<string, () => object>>,
  distribution?: Distribution,
): Promise<PageServer> {
  const server = createServer(async (request, response) => {
    const asked = normalize(new URL(request.url ?? '/', 'http://page').pathname)
    const answer = distribution?.onRequest(asked) ?? { uri: asked }
    if ('body' in answer) return void response.end(answer.body)
    const path = answer.uri
    const address = addresses[path.slice(1)]
    for (const [name, value] of Object.entries(distribution?.headers() ?? {})) response.setHeader(name, value)
    if (address !== undefined) return void response.end(JSON.stringify(address()))
    const file = path === '/' ? 'index.html' : path
    try {
      const body = await readFile(join(folder, file))
      response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' }).end(body)
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The page server has no port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
