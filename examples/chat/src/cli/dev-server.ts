import * as z from 'zod'

const firstPort = 4400 // as in trunkline.config.json
const ports = 5 // the dev server takes the next port when one is in use
const timeoutMs = 2_000

const lineJson = z.object({ url: z.string() })

/** The URL of the line that runs on this machine, or undefined when none answers. */
export async function findLocalLine(): Promise<string | undefined> {
  for (let port = firstPort; port < firstPort + ports; port++) {
    const url = await askPort(port)
    if (url !== undefined) return url
  }
  return undefined
}

async function askPort(port: number): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/line.json`, { signal: AbortSignal.timeout(timeoutMs) })
    return lineJson.parse(await answer.json()).url
  } catch {
    return undefined // no server, or another one, listens on this port
  }
}

export const nothingRuns = [
  `No line runs here (http://127.0.0.1:${firstPort} does not answer).`,
  'Start one with `npm start`, or pass its URL: --url wss://…',
].join(' ')
