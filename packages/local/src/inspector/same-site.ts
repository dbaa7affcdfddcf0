import type { IncomingMessage } from 'node:http'

const names = ['localhost', '127.0.0.1', '[::1]']

/**
 * Why a request may not see the line, or undefined. The address must be this machine's by name, so that no name that someone else owns can be made
 * to lead here (DNS rebinding), and no page of another origin may read or ask.
 */
export function findIntruder({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string | undefined {
  const { host = '', origin } = headers
  const hosts = names.map((name) => `${name}:${socket.localPort}`)
  if (!hosts.includes(host)) return `Expected one of the hosts ${hosts.join(', ')}, got ${JSON.stringify(host)}.`
  if (origin !== undefined && origin !== `http://${host}`)
    return `Expected no page of another origin than http://${host}, got ${JSON.stringify(origin)}.`
  const site = headers['sec-fetch-site'] ?? 'none'
  if (site !== 'same-origin' && site !== 'none')
    return `Expected a request of this very page, got one that is ${JSON.stringify(site)}.`
  return undefined
}
