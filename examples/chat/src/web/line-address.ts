let lastKnown: string | undefined

/**
 * The URL of the line. A deployed page has it built in. The dev server serves it as line.json, which is read again
 * before each connect, since the server may have restarted on another port.
 */
export async function lineAddress(): Promise<string> {
  const built: unknown = import.meta.env['VITE_LINE_URL']
  if (typeof built === 'string' && built !== '') return built
  lastKnown = (await readAddress('line.json')) ?? lastKnown
  if (lastKnown === undefined) throw new Error('The server of this page has no line.json with the URL of the line.')
  return lastKnown
}

/** The address in a file of the dev server; undefined if there is no network or no such file. */
export async function readAddress(file: 'line.json' | 'issuer.json'): Promise<string | undefined> {
  try {
    const answer: unknown = await (await fetch(file, { cache: 'no-store' })).json()
    return isAddress(answer) ? answer.url : undefined
  } catch {
    return undefined // the caller decides
  }
}

function isAddress(answer: unknown): answer is { readonly url: string } {
  return typeof answer === 'object' && answer !== null && 'url' in answer && typeof answer.url === 'string'
}
