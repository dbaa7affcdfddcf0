const hidden = '•••'
const secretName = /token|secret|password|passwd|authorization|cookie|api.?key|credential/i
const isParams = /^\s*\{[^{]*"method"\s*:\s*"connectionParams"/

/** A frame's text without what it would let someone in with: all that connectionParams say, and whatever is called token, password and the like. */
export function redact(text: string): string {
  if (isParams.test(text)) return JSON.stringify({ method: 'connectionParams', data: hidden })
  try {
    return JSON.stringify(JSON.parse(text, hideMember))
  } catch {
    return hideInText(text) // cut, or no JSON
  }
}

function hideMember(this: unknown, name: string, value: unknown): unknown {
  if (secretName.test(name) && value !== null) return hidden
  if (isConnectionParams(value)) return { ...value, data: hidden }
  return typeof value === 'string' ? hideInText(value) : value
}

function isConnectionParams(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'method' in value && value.method === 'connectionParams'
}

/**
 * Hides the text of each member with a secret name inside JSON text, also where that is a text inside JSON or was cut:
 * it hides too much rather than too little. One pass: each character is looked at a bounded number of times, whatever
 * the text is.
 */
function hideInText(text: string): string {
  const kept: string[] = []
  let from = 0
  let open = text.indexOf('"')
  while (open >= 0) {
    const close = text.indexOf('"', open + 1)
    if (close < 0) break
    const value = isSecret(text.slice(open + 1, close)) ? startOfText(text, close + 1) : undefined
    if (value === undefined) {
      open = close
      continue
    }
    kept.push(text.slice(from, value), hidden)
    from = endOfText(text, value)
    open = text.indexOf('"', from + 1)
  }
  return from === 0 ? text : kept.join('') + text.slice(from)
}

/**
 * Whether this, between two quotes, is a secret name: only the last of it may be backslashes, which escape the quote.
 */
function isSecret(between: string): boolean {
  let end = between.length
  while (end > 0 && between[end - 1] === '\\') end--
  const name = between.slice(0, end)
  return !name.includes('\\') && secretName.test(name)
}

const isSpace = (character: string | undefined) => character !== undefined && /\s/.test(character)

/**
 * Where the text after a member's name begins: behind colon, spaces and a quote with its backslashes. Undefined when no
 * text follows.
 */
function startOfText(text: string, afterName: number): number | undefined {
  let at = afterName
  while (isSpace(text[at])) at++
  if (text[at] !== ':') return undefined
  at++
  while (isSpace(text[at])) at++
  while (text[at] === '\\') at++
  return text[at] === '"' ? at + 1 : undefined
}

/** The quote that ends a text, or the end of all. */
function endOfText(text: string, start: number): number {
  let at = start
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return Math.min(at, text.length)
}
