let lastKnown: string | undefined

/**
 * Where the line listens. The dev server says so beside the page, and is asked again before each connect, since it may
 * have come back on another port; a deployed page has it built in.
 */
export async function lineAddress(): Promise<string> {
  const built: unknown = import.meta.env['VITE_LINE_URL']
  if (typeof built === 'string' && built !== '') return built
  lastKnown = (await askDevServer()) ?? lastKnown
  if (lastKnown === undefined) throw new Error('The server of this page does not say where the line is (line.json).')
  return lastKnown
}

async function askDevServer(): Promise<string | undefined> {
  try {
    const answer: unknown = await (await fetch('line.json', { cache: 'no-store' })).json()
    return isAddress(answer) ? answer.url : undefined
  } catch {
    return undefined // the network is away, or the page is served without a line.json: the caller decides
  }
}

function isAddress(answer: unknown): answer is { readonly url: string } {
  return typeof answer === 'object' && answer !== null && 'url' in answer && typeof answer.url === 'string'
}
