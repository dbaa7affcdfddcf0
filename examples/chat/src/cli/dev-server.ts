import * as z from 'zod'

const firstPort = 4400 // as in trunkline.config.json
const ports = 5 // the dev server takes the next port when one is in use
const timeoutMs = 2_000

const addressFile = z.object({ url: z.string() })

interface LocalAddresses {
  readonly url: string
  readonly issuer: string | undefined
}

/** The URL of the line that runs on this machine and of its issuer of tokens, or undefined when none answers. */
export async function findLocalLine(): Promise<LocalAddresses | undefined> {
  for (let port = firstPort; port < firstPort + ports; port++) {
    const url = await askPort(port, 'line.json')
    if (url !== undefined) return { url, issuer: await askPort(port, 'issuer.json') }
  }
  return undefined
}

async function askPort(port: number, file: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/${file}`, { signal: AbortSignal.timeout(timeoutMs) })
    return addressFile.parse(await answer.json()).url
  } catch {
    return undefined // no server, or another one, listens on this port
  }
}

export const noIssuer = [
  'Nobody signs you in: there is no issuer of tokens.',
  'Start the line with `npm start`, or pass its address: --issuer https://…',
].join(' ')

export const nothingRuns = [
  `No line runs here (http://127.0.0.1:${firstPort} does not answer).`,
  'Start one with `npm start`, or pass its URL: --url wss://…',
].join(' ')
