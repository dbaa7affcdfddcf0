import { documentsUrl } from './frames/errors.ts'

/** The sections of docs/reference/errors.md for mistakes in an application's code and settings. */
export const configurationSections = [
  'options',
  'declarations',
  'environment',
  'lines',
  'identities',
  'invocations',
  'procedures',
] as const

/** A section of docs/reference/errors.md. Its heading is `Wrong <section>`. */
export type ConfigurationSection = (typeof configurationSections)[number]

/** The message of an error, with the address of the section that explains it. */
export function withDocs(section: ConfigurationSection, message: string): string {
  return `${message} See ${documentsUrl}/reference/errors.md#wrong-${section}`
}

/**
 * Throws a `TypeError` unless `given` is an object whose members all have one of the names. `what` has the options, such
 * as `channel chat`. The message names the misspelt option and the nearest name.
 */
export function checkOptionNames(what: string, given: unknown, names: OptionNames): void {
  const unknown = Object.keys(checkObject(what, given)).find((name) => !Object.hasOwn(names, name))
  if (unknown !== undefined) throw unknownOption(what, unknown, names, nearest(unknown, names))
}

/**
 * As `checkOptionNames`, for an object that may have members of its own, such as `startLocalLine(application)`: throws
 * only for a name that is like one of `names` which the object lacks.
 */
export function checkNearNames(what: string, given: unknown, names: OptionNames): void {
  const members = checkObject(what, given)
  const missing = Object.fromEntries(Object.entries(names).filter(([name]) => !Object.hasOwn(members, name)))
  for (const name of Object.keys(members)) {
    const near = Object.hasOwn(names, name) ? undefined : nearest(name, missing)
    if (near !== undefined) throw unknownOption(what, name, names, near)
  }
}

type OptionNames = Readonly<Record<string, true>>

function checkObject(what: string, given: unknown): object {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given
  const got = given === null ? 'null' : Array.isArray(given) ? 'an array' : typeof given
  throw new TypeError(withDocs('options', `Expected the options of ${what} to be an object, got ${got}. Pass one.`))
}

function unknownOption(what: string, unknown: string, names: OptionNames, near: string | undefined): TypeError {
  const advice = near === undefined ? 'Remove it.' : `Did you mean ${near}?`
  const expected = `Expected the options of ${what} to be among ${Object.keys(names).join(', ')}`
  return new TypeError(withDocs('options', `${expected}, got ${JSON.stringify(unknown)}. ${advice}`))
}

function nearest(unknown: string, names: OptionNames): string | undefined {
  return Object.keys(names).find((name) => isNear(unknown.toLowerCase(), name.toLowerCase()))
}

/** Whether two words differ by at most two edits, and by half of their letters. */
function isNear(one: string, other: string): boolean {
  const most = Math.min(2, Math.floor(Math.min(one.length, other.length) / 2))
  return differ(one, other, most)
}

/** Whether `most` removals, additions, changes and swaps of neighbours make one word the other. */
function differ(one: string, other: string, most: number): boolean {
  let at = 0
  while (at < one.length && one[at] === other[at]) at++
  const [a, b] = [one.slice(at), other.slice(at)]
  if (a === '' && b === '') return true
  if (most <= 0) return false
  const swaps = a[0] === b[1] && a[1] === b[0]
  const pairs: readonly (readonly [number, number])[] = [[1, 0], [0, 1], [1, 1], ...(swaps ? [[2, 2] as const] : [])]
  return pairs.some(([x, y]) => differ(a.slice(x), b.slice(y), most - 1))
}
