/** The address of the line: from `/line.json` of Vite or of the deployed page, unless it is built into the page. */
export async function lineAddress(): Promise<string> {
  const { VITE_LINE_URL } = import.meta.env
  if (typeof VITE_LINE_URL === 'string' && VITE_LINE_URL !== '') return VITE_LINE_URL
  const response = await fetch('/line.json', { cache: 'no-store' })
  const answer: { url?: string; message?: string } = await response.json()
  if (answer.url === undefined) throw new Error(answer.message ?? 'Expected the address of the line in /line.json.')
  return answer.url
}
