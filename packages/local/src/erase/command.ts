import { parseArgs } from 'node:util'
import { defined } from '@trunkline/protocol'
import type { EraseSubject } from '@trunkline/server/erase'
import { runErase } from './run-erase.ts'

const stopSignals = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

/** The usage of the command. */
export const eraseUsage = `trunkline erase --principal name | --topic name | --channel name --key json | --resume-from file
                [--file file] [--rate n]

Removes what the line holds about a principal, or the events of a topic, and prints a line a second. Ctrl-C leaves a
file (--file names it) from which --resume-from continues. --rate is the highest number of rows written in a second.
Requires TRUNKLINE_TABLE, a region and credentials; a principal also needs TRUNKLINE_CALLBACK_URL. Running it again is
harmless.`

/**
 * Runs `trunkline erase`. Resolves to the exit code: 0 when it is done, 1 when connections stayed open, and 128 + the
 * signal's number when a signal stopped it.
 */
export async function runEraseCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      principal: { type: 'string' },
      topic: { type: 'string' },
      channel: { type: 'string' },
      key: { type: 'string' },
      'resume-from': { type: 'string' },
      file: { type: 'string' },
      rate: { type: 'string' },
    },
  })
  const { 'resume-from': resumeFrom, file, rate } = values
  const stop = new AbortController()
  let code = 0
  for (const [signal, number] of Object.entries(stopSignals))
    process.once(signal, () => {
      code = 128 + number
      stop.abort()
    })
  const subject = toSubject(values)
  const perSecond = rate === undefined ? undefined : toRate(rate)
  const settings = defined({ subject, resumeFrom, file, perSecond })
  const { status, counts } = await runErase(settings, { log: (line) => console.log(line), signal: stop.signal })
  if (status === 'stopped') return code
  return counts.failed > 0 ? 1 : 0
}

interface Named {
  readonly principal?: string
  readonly topic?: string
  readonly channel?: string
  readonly key?: string
  readonly 'resume-from'?: string
}

function toSubject({ principal, topic, channel, key, 'resume-from': resumeFrom }: Named): EraseSubject | undefined {
  const given = Object.entries(defined({ principal, topic, channel, 'resume-from': resumeFrom }))
  const [only] = given
  const isWhole = (channel === undefined) === (key === undefined)
  if (given.length !== 1 || only === undefined || only[1] === '' || !isWhole)
    throw new Error(
      `Expected one of --principal, --topic, --channel with --key, and --resume-from, got ${given.map(([name]) => `--${name}`).join(', ') || 'none'}${key === undefined ? '' : ' and --key'}.`,
    )
  if (principal !== undefined) return { principal }
  if (topic !== undefined) return { topic }
  return channel === undefined ? undefined : { channel, key: toKey(key ?? '') }
}

function toKey(text: string): Readonly<Record<string, string | number>> {
  let key: unknown
  try {
    key = JSON.parse(text)
  } catch {
    key = undefined
  }
  if (typeof key === 'object' && key !== null && !Array.isArray(key)) return key as Record<string, string | number>
  throw new Error(`Expected --key to be a JSON object such as {"room":"7"}, got ${text}.`)
}

function toRate(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new Error(`Expected --rate to be a whole number from 1, got ${text}.`)
}
