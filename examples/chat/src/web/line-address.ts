/** A member of an address file: `url` for sockets, `httpUrl` where these are blocked. */
type AddressName = 'url' | 'httpUrl'

const lastKnown = new Map<AddressName, string>()

/** The URL of the line's sockets. A deployed page has it built in, as `VITE_LINE_URL`. */
export const lineAddress = () => builtIn('VITE_LINE_URL') ?? servedAddress('url')

/** The URL of the line's HTTP API, built in as `VITE_LINE_HTTP_URL`. */
export const httpAddress = () => builtIn('VITE_LINE_HTTP_URL') ?? servedAddress('httpUrl')

/** Whether clients reach the line over HTTP. A page may be built without that address, and a line.json may have none. */
export async function hasHttp(): Promise<boolean> {
  if (builtIn('VITE_LINE_HTTP_URL') !== undefined) return true
  if (builtIn('VITE_LINE_URL') !== undefined) return false
  return (await readAddress('line.json', 'httpUrl')) !== undefined
}

function builtIn(name: string): string | undefined {
  const built: unknown = import.meta.env[name]
  return typeof built === 'string' && built !== '' ? built : undefined
}

/**
 * An address that the dev server serves in line.json. It is read again before each connect, since the server may have
 * restarted on another port.
 */
async function servedAddress(name: AddressName): Promise<string> {
  const address = (await readAddress('line.json', name)) ?? lastKnown.get(name)
  if (address === undefined) throw new Error(`The server of this page has no line.json with the line's ${name}.`)
  lastKnown.set(name, address)
  return address
}

/** The address in a file of the dev server; undefined if there is no network or no such file. */
export async function readAddress(
  file: 'line.json' | 'issuer.json',
  name: AddressName = 'url',
): Promise<string | undefined> {
  try {
    const answer: unknown = await (await fetch(file, { cache: 'no-store' })).json()
    const address = (Object(answer) as Readonly<Record<string, unknown>>)[name]
    return typeof address === 'string' ? address : undefined
  } catch {
    return undefined // the caller decides
  }
}
