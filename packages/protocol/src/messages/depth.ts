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
    const unit = text.charCodeAt(at)
    if (unit === backslash) at++
    else if (unit === quote) quoted = !quoted
    else if (quoted) continue
    else if (unit === openBrace || unit === openBracket) {
      if (++depth > deepest) deepest = depth
    } else if (unit === closeBrace || unit === closeBracket) depth--
    else if (unit === comma && isArray && depth === 0) {
      depths.push(deepest)
      deepest = 0
    }
  }
  depths.push(deepest)
  return depths
}

const backslash = 0x5c
const quote = 0x22
const comma = 0x2c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
