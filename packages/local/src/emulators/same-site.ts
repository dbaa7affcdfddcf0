import type { IncomingMessage } from 'node:http'

const names = ['localhost', '127.0.0.1', '[::1]']
const httpPort = 80 // its number is not part of a Host header or of an origin

/**
 * Why a request may not use a port of the line, or undefined. `Host` must be a name of this machine with the port
 * itself, so that a foreign name that resolves to this machine (DNS rebinding) is refused. A page of another origin is
 * refused, whatever it sends. A request without `Origin` and `Sec-Fetch-Site` comes from no browser and passes.
 *
 * With `navigation`, a link or a redirect of another site may open the address: the other site cannot read what is
 * answered.
 */
export function findOriginError(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  { navigation = false }: { readonly navigation?: boolean } = {},
): string | undefined {
  const { origin } = headers
  const host = (headers.host ?? '').toLowerCase()
  const hosts = names.map((name) => (socket.localPort === httpPort ? name : `${name}:${socket.localPort}`))
  if (!hosts.includes(host)) return `Expected one of the hosts ${hosts.join(', ')}, got ${JSON.stringify(host)}.`
  if (origin !== undefined && origin !== `http://${host}`)
    return `Expected no page of another origin than http://${host}, got ${JSON.stringify(origin)}.`
  const site = headers['sec-fetch-site'] ?? 'none'
  const opens = navigation && headers['sec-fetch-mode'] === 'navigate'
  if (site !== 'same-origin' && site !== 'none' && !opens)
    return `Expected a request of this very page, got one that is ${JSON.stringify(site)}.`
  return undefined
}
