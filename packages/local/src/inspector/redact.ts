const hidden = '•••'
const secretName = /token|secret|password|passwd|authorization|cookie|api.?key|credential/i
/** A member with such a name inside JSON text, also where that is a text inside JSON or was cut: it hides too much rather than too little. */
const secretMember =
  /(\\*"[^"\\]*(?:token|secret|password|passwd|authorization|cookie|api.?key|credential)[^"\\]*\\*"\s*:\s*\\*")(?:[^"\\]|\\.)*/gi
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

function hideInText(text: string): string {
  return text.replace(secretMember, `$1${hidden}`)
}
