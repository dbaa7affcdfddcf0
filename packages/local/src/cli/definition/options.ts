import { UsageError } from '../../stage/usage-error.ts'

/** An option of a command. Its name is that of its member: `resumeFrom` is `--resume-from`, `noHttp` is `--no-http`. */
export interface OptionDefinition<T> {
  /** The value's name in help, such as `<file>`. Absent for a flag. */
  readonly value?: string
  readonly description: string
  /** The values that are accepted. @default any */
  readonly choices?: readonly string[]
  /** Whether shells complete names of files. @default false */
  readonly isFile?: boolean
  /** Throws a `UsageError` for a value that is not valid. */
  readonly parse?: (text: string, option: string) => T
}

export function flag(description: string): OptionDefinition<true> {
  return { description }
}

/** `value` is the value's name in help. An empty value is wrong usage. */
export function text(value: string, description: string): OptionDefinition<string> {
  return { value: `<${value}>`, description, parse: notEmpty }
}

export function file(description: string, value = 'file'): OptionDefinition<string> {
  return { value: `<${value}>`, description, isFile: true, parse: notEmpty }
}

export function choice<const T extends string>(choices: readonly T[], description: string): OptionDefinition<T> {
  const parse = (given: string, option: string) => {
    if (choices.includes(given as T)) return given as T
    throw new UsageError(`Expected ${option} to be ${choices.join(' or ')}, got ${given}.`)
  }
  return { value: `<${choices.join('|')}>`, description, choices, parse }
}

/** A whole number from `least` to `most`. */
export function count(description: string, { least = 1, most = 999_999_999 } = {}): OptionDefinition<number> {
  const parse = (given: string, option: string) => {
    const number = /^\d{1,10}$/.test(given) ? Number(given) : Number.NaN
    if (number >= least && number <= most) return number
    const bound = most === 999_999_999 ? `from ${least}` : `from ${least} to ${most}`
    throw new UsageError(`Expected ${option} to be a whole number ${bound}, got ${given}.`)
  }
  return { value: '<n>', description, parse }
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A date such as 2026-12-31T23:59:59Z or a distance from now; `direction` is that of the distance. */
export function time(description: string, direction: 'past' | 'future' = 'future'): OptionDefinition<Date> {
  const parse = (given: string, option: string) => {
    const [, digits, unit] = /^(\d{1,6})([smhd])$/.exec(given) ?? []
    const distance = Number(digits) * units[unit as keyof typeof units]
    if (digits !== undefined) return new Date(Date.now() + (direction === 'future' ? distance : -distance))
    const date = isDay(given) ? new Date(given) : new Date(Number.NaN)
    if (Number.isFinite(date.getTime())) return date
    throw new UsageError(
      `Expected ${option} to be a date such as 2026-12-31T23:59:59Z or a time such as 7d, got ${given}.`,
    )
  }
  return { value: '<time>', description, parse }
}

/** Whether a text begins with a day that exists: `new Date('2026-02-30')` is the second of March. */
function isDay(given: string): boolean {
  const [day] = /^\d{4}-\d\d-\d\d(?=$|[T ])/.exec(given) ?? []
  const date = new Date(day ?? '')
  return Number.isFinite(date.getTime()) && date.toISOString().startsWith(`${day}T`)
}

/** The key of a topic, as JSON. */
export function topicKey(description: string): OptionDefinition<TopicKey> {
  return { value: '<json>', description, parse: parseKey }
}

export type TopicKey = Readonly<Record<string, string | number>>

/** Throws a `UsageError` for a text that is not a flat object of strings and numbers in JSON. */
export function parseKey(given: string, what: string): TopicKey {
  let value: unknown
  try {
    value = JSON.parse(given)
  } catch {
    value = undefined
  }
  const isFlat = (each: unknown) => typeof each === 'string' || Number.isFinite(each)
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isFlat))
    return value as TopicKey
  throw new UsageError(`Expected ${what} to be a JSON object of texts and numbers such as {"room":"7"}, got ${given}.`)
}

/** The value of an option that the command needs. Throws a `UsageError` without one. */
export function required<T>(value: T | undefined, option: string): T {
  if (value !== undefined) return value
  throw new UsageError(`Expected ${option}, got none.`)
}

function notEmpty(given: string, option: string): string {
  if (given !== '') return given
  throw new UsageError(`Expected a value for ${option}, got an empty text.`)
}

/** `resumeFrom` → `--resume-from` */
export function optionName(member: string): string {
  return `--${member.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)}`
}
