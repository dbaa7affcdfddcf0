import { createServer, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http'

/**
 * What a proxy does with one response.
 * - `stream`: passes it on as it comes
 * - `buffer`: passes it on when it is complete
 * - `cut`: destroys the connection after some of its bytes
 * - `refuse`: destroys the connection before any byte
 * - `own-page`: answers with a page of its own, as a captive portal does
 * - `bad-gateway`: answers 502 with a page of its own
 */
export type Treatment = 'stream' | 'buffer' | 'cut' | 'refuse' | 'own-page' | 'bad-gateway'

/** A proxy in front of `target`, which asks `treat` for each request. */
export async function startProxy(target: () => string, treat: () => Treatment) {
  const counts = new Map<Treatment, number>()
  const server = createServer((request, response) => {
    const treatment = treat()
    counts.set(treatment, (counts.get(treatment) ?? 0) + 1)
    if (treatment === 'refuse') return void response.destroy()
    if (treatment === 'own-page') return ownPage(response, 200)
    if (treatment === 'bad-gateway') return ownPage(response, 502)
    const url = new URL(target())
    const onward = requestHttp(
      {
        host: url.hostname,
        port: url.port,
        method: request.method,
        path: request.url,
        headers: { ...request.headers, host: url.host },
      },
      (answer) => pass(answer, response, treatment),
    )
    onward.on('error', () => response.destroy())
    response.once('close', () => onward.destroy())
    onward.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    counts,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function ownPage(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end('<html>Sign in to this network.</html>')
}

function pass(answer: IncomingMessage, response: ServerResponse, treatment: Treatment): void {
  const parts: Buffer[] = []
  const status = answer.statusCode ?? 502
  if (treatment !== 'buffer') response.writeHead(status, answer.headers)
  if (treatment === 'stream') response.flushHeaders()
  answer.on('data', (part: Buffer) => {
    if (treatment === 'stream') return void response.write(part)
    if (treatment === 'buffer') return void parts.push(part)
    response.write(part.subarray(0, Math.ceil(part.length / 2)), () => response.destroy())
  })
  answer.on('error', () => response.destroy())
  answer.on('end', () => {
    if (treatment === 'buffer') response.writeHead(status, answer.headers).end(Buffer.concat(parts))
    else if (treatment === 'cut') response.destroy()
    else response.end()
  })
}

/** The treatments in turn, as far as they are given. */
export function inTurn(treatments: readonly Treatment[]): () => Treatment {
  let asked = 0
  return () => treatments[asked++ % treatments.length] ?? 'stream'
}
