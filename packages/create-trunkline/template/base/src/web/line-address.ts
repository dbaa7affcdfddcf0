/** The address of the line: built into a deployed page, and asked of Vite on this machine. */
export async function lineAddress(): Promise<string> {
  const { VITE_LINE_URL } = import.meta.env
  if (typeof VITE_LINE_URL === 'string' && VITE_LINE_URL !== '') return VITE_LINE_URL
  const response = await fetch('/line.json', { cache: 'no-store' })
  const answer: { url?: string; message?: string } = await response.json()
  if (answer.url === undefined) throw new Error(answer.message ?? 'The page was built without VITE_LINE_URL.')
  return answer.url
}
