/**
 * The nesting depth of each frame of a JSON text: one number, or one for each element of an array. The array itself
 * does not count. Counts brackets outside of strings, without recursion. The result is meaningless for a text that is
 * not JSON.
 */
export function depthsOf(text: string): readonly number[] {
  const isArray = /^\s*\[/.test(text)
  const depths: number[] = []
  let depth = isArray ? -1 : 0
  let deepest = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const unit = text[at]
    if (unit === '\\') at++
    else if (unit === '"') quoted = !quoted
    else if (quoted) continue
    else if (unit === '{' || unit === '[') deepest = Math.max(deepest, ++depth)
    else if (unit === '}' || unit === ']') depth--
    else if (unit === ',' && isArray && depth === 0) {
      depths.push(deepest)
      deepest = 0
    }
  }
  return [...depths, deepest]
}
