import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** What a proxy does with one request. */
export type ProxyFault =
  | 'none'
  | 'doubled'
  | 'delayed'
  | 'lost' // the request does not arrive
  | 'unanswered' // it arrives, and the answer is lost
  | 'cut' // the answer ends in the middle
  | 'portal' // an HTML page with 200 is the answer
  | number // the answer has this status, and the request does not arrive

/** A proxy in front of a local line. It spoils requests and refuses upgrades as the test says. */
export async function startProxy(target: string) {
  const { hostname, port, host } = new URL(target)
  const faults = { next: (_: number): ProxyFault => 'none', allowsUpgrades: false }
  const sockets = new Set<Socket>()
  let requests = 0
  let upgrades = 0

  const forward = (from: IncomingMessage, body: Buffer) =>
    new Promise<{ readonly from: IncomingMessage; readonly body: Buffer }>((resolve, reject) => {
      const { method, url: path } = from
      const headers = { ...from.headers, host }
      request({ hostname, port, method, path, headers }, async (answer) =>
        resolve({ from: answer, body: await read(answer) }),
      )
        .on('error', reject)
        .end(body)
    })

  async function handle(from: IncomingMessage, to: ServerResponse): Promise<void> {
    requests += 1
    const fault = faults.next(requests)
    const body = await read(from)
    if (fault === 'lost') return void from.socket.destroy()
    if (typeof fault === 'number')
      return void to.writeHead(fault, fault === 429 ? { 'retry-after': '1' } : {}).end('{"message":"No."}')
    if (fault === 'portal') return void to.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>')
    if (fault === 'doubled') await forward(from, body)
    if (fault === 'delayed') await new Promise((resolve) => setTimeout(resolve, 300))
    const answer = await forward(from, body)
    if (fault === 'unanswered') return void from.socket.destroy()
    to.writeHead(answer.from.statusCode ?? 500, answer.from.headers)
    if (fault !== 'cut') return void to.end(answer.body)
    to.write(answer.body.subarray(0, -3))
    setTimeout(() => from.socket.destroy(), 20)
  }

  const server = createServer((from, to) => void handle(from, to))
  server.on('upgrade', (from: IncomingMessage, socket: Socket, head: Buffer) => {
    upgrades += 1
    sockets.add(socket)
    if (!faults.allowsUpgrades) return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    const upstream = connect(Number(port), hostname, () => {
      const headers = Object.entries({ ...from.headers, host })
      const lines = headers.map(([name, value]) => `${name}: ${value}`)
      upstream.write(`GET ${from.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      upstream.write(head)
      socket.pipe(upstream).pipe(socket)
    })
    sockets.add(upstream)
    for (const each of [socket, upstream]) each.on('error', () => {})
    return upstream
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: own } = server.address() as AddressInfo
  return {
    /** The same address, through the proxy. */
    through: (url: string) => Object.assign(new URL(url), { host: `127.0.0.1:${own}` }).href,
    faults,
    upgrades: () => upgrades,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
