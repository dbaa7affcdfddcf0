import { UsageError } from '../../stage/usage-error.ts'
import { file, type OptionDefinition, text } from '../definition/options.ts'

/** The options of the commands that are clients. */
export const clientOptions = {
  token: text('token', 'The token that the line authorizes (default: TRUNKLINE_TOKEN, else anonymous)'),
  url: text('url', 'The WebSocket address of the line, instead of a stage: wss://example.com/prod'),
  entry: file('The module that exports your handlers: checks names, and reads a transformer'),
} as const satisfies Readonly<Record<string, OptionDefinition<unknown>>>

export const inputArgument = {
  required: false,
  description: 'The input as JSON, or - to read it from stdin (default: none)',
} as const

export function tokenOf(token: string | undefined): string | undefined {
  return token ?? (process.env['TRUNKLINE_TOKEN'] || undefined)
}

/** The input that the user gave; undefined for none. Throws a `UsageError` for a text that is no JSON. */
export async function readInput(given: string | undefined, stdin: NodeJS.ReadableStream): Promise<unknown> {
  if (given === undefined) return undefined
  return parseJson(given === '-' ? await readText(stdin) : given, 'the input')
}

const mostShown = 200 // characters: the input may be a file

/** Throws a `UsageError` that says where the text stops being JSON. */
export function parseJson(given: string, what: string): unknown {
  try {
    return JSON.parse(given)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const shown = given === '' ? 'an empty text' : given.length > mostShown ? `${given.slice(0, mostShown)}…` : given
    throw new UsageError(
      `Expected ${what} to be JSON such as '{"room":"7"}', got ${shown} (${why}). Quote it for your shell.`,
    )
  }
}

async function readText(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}
