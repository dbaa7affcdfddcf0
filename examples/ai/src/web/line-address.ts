let lastKnown: string | undefined

/**
 * The URL of the line. A deployed page has it built in. The dev server serves it as line.json, which is read again
 * before each connect, since the server may have restarted on another port.
 */
export async function lineAddress(): Promise<string> {
  const built: unknown = import.meta.env['VITE_LINE_URL']
  if (typeof built === 'string' && built !== '') return built
  lastKnown = (await askDevServer()) ?? lastKnown
  if (lastKnown === undefined) throw new Error('The server of this page has no line.json with the URL of the line.')
  return lastKnown
}

async function askDevServer(): Promise<string | undefined> {
  try {
    const answer: unknown = await (await fetch('line.json', { cache: 'no-store' })).json()
    return isAddress(answer) ? answer.url : undefined
  } catch {
    return undefined // there is no network or no line.json: the caller decides
  }
}

function isAddress(answer: unknown): answer is { readonly url: string } {
  return typeof answer === 'object' && answer !== null && 'url' in answer && typeof answer.url === 'string'
}
