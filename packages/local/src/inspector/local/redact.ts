const hidden = '•••'
const secretName = /token|secret|password|passwd|authorization|cookie|api.?key|credential/i
const isParams = /^\s*\{[^{]*"method"\s*:\s*"connectionParams"/

/** Finds a text that may have a secret. A backslash may escape a part of a name. */
const mayHaveSecret = new RegExp(`${secretName.source}|connectionParams|"hello"|\\\\`, 'i')

/**
 * Removes secrets from a frame's text: all connectionParams, the session id in the answer to `hello`, and every member
 * named token, password or similar.
 */
export function redact(text: string): string {
  if (!mayHaveSecret.test(text)) return text
  if (isParams.test(text)) return JSON.stringify({ method: 'connectionParams', data: hidden })
  try {
    return JSON.stringify(JSON.parse(text, hideMember))
  } catch {
    return hideInText(text) // truncated, or not JSON
  }
}

/** Removes the values of members with a secret name from a text that is no JSON, such as a line of a log. */
export function redactText(text: string): string {
  return secretName.test(text) ? hideInText(text) : text
}

function hideMember(this: unknown, name: string, value: unknown): unknown {
  if (secretName.test(name) && value !== null) return hidden
  if (isConnectionParams(value)) return { ...value, data: hidden }
  if (isHello(value)) return { ...value, session: hidden } // the session id is a secret [TL-HS-7]
  return typeof value === 'string' ? hideInText(value) : value
}

function isConnectionParams(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'method' in value && value.method === 'connectionParams'
}

function isHello(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'hello' && 'session' in value
}

/**
 * Hides the value of each member with a secret name in JSON text, including JSON nested in strings and truncated text.
 * When in doubt, it hides more. It runs in linear time: each character is visited a bounded number of times.
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
 * Whether the text between two quotes is a secret name. Backslashes are allowed only at its end, where they escape the
 * quote.
 */
function isSecret(between: string): boolean {
  let end = between.length
  while (end > 0 && between[end - 1] === '\\') end--
  const name = between.slice(0, end)
  return !name.includes('\\') && secretName.test(name)
}

const isSpace = (character: string | undefined) => character !== undefined && /\s/.test(character)

/**
 * The start of the string value after a member's name: after the colon, spaces and a quote with its backslashes.
 * Undefined when the value is not a string.
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

/** The index of the quote that ends a string, or the end of the text. */
function endOfText(text: string, start: number): number {
  let at = start
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return Math.min(at, text.length)
}
