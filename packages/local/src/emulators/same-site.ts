import type { IncomingMessage } from 'node:http'

const names = ['localhost', '127.0.0.1', '[::1]']
const httpPort = 80 // omitted from a Host header and from an origin

/**
 * Checks that a request may use a port of the line. Returns an error message, or undefined if it may.
 *
 * - `Host` must be a name of this machine with this port. This rejects a foreign name that resolves to this machine
 *   (DNS rebinding).
 * - A page of another origin is rejected, whatever it sends.
 * - A request without `Origin` and `Sec-Fetch-Site` does not come from a browser and is accepted.
 *
 * With `navigation`, a link or a redirect of another site may open the address: the other site cannot read the
 * response.
 */
export function findOriginError(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  { navigation = false }: { readonly navigation?: boolean } = {},
): string | undefined {
  const { origin } = headers
  const host = (headers.host ?? '').toLowerCase()
  const hostError = findHostError({ headers, socket })
  if (hostError !== undefined) return hostError
  if (origin !== undefined && origin !== `http://${host}`)
    return `Expected the page's origin to be http://${host}, got ${JSON.stringify(origin)}.`
  const site = headers['sec-fetch-site'] ?? 'none'
  const opens = navigation && headers['sec-fetch-mode'] === 'navigate'
  if (site !== 'same-origin' && site !== 'none' && !opens)
    return `Expected a request from a page of the same origin, got one that is ${JSON.stringify(site)}.`
  return undefined
}

/** Checks only that `Host` is a name of this machine with this port. Returns an error message, or undefined. */
export function findHostError({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string | undefined {
  const host = (headers.host ?? '').toLowerCase()
  const hosts = hostsOf(socket.localPort)
  return hosts.includes(host)
    ? undefined
    : `Expected one of the hosts ${hosts.join(', ')}, got ${JSON.stringify(host)}.`
}

const hostsByPort = new Map<number | undefined, readonly string[]>() // one entry for each port that this process had

function hostsOf(port: number | undefined): readonly string[] {
  const known = hostsByPort.get(port)
  if (known !== undefined) return known
  const hosts = names.map((name) => (port === httpPort ? name : `${name}:${port}`))
  hostsByPort.set(port, hosts)
  return hosts
}
