import { tokens } from './application.ts'

/** Patterns that no text for a client may contain, by name. */
const clientLeaks: Readonly<Record<string, RegExp>> = {
  'a line of a stack': /(?:\\n|\n)\s*at (?:async )?[\w$.<>[\] ]+ ?\(|\bat (?:file|node):/,
  'a path of a file': /file:\/\/|node:internal|node_modules|packages[/\\]{1,2}(?:server|protocol)/,
  'an ARN': /arn:aws/i,
  'an address of AWS': /\.amazonaws\.com/i,
}

const secrets = [tokens.named, tokens.expiring]

/** The name of the first leak in a text for a client; undefined if there is none. */
export function findLeak(text: string): string | undefined {
  for (const [name, pattern] of Object.entries(clientLeaks)) if (pattern.test(text)) return name
  return findToken(text, secrets)
}

/** The token in a log line; undefined when there is none. Log lines may hold stacks, ARNs and names of tables. */
export function findToken(text: string, of: readonly string[] = Object.values(tokens)): string | undefined {
  const found = of.find((token) => text.includes(token))
  return found === undefined ? undefined : `the token ${found.slice(0, 8)}…`
}
