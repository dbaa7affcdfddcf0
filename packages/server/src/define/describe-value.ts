/**
 * Names a value that was not expected, for the end of an error message. An undefined one is mostly due to a circular
 * import.
 */
export function describeValue(given: unknown): string {
  if (given !== undefined) return `${given === null ? 'null' : typeof given}.`
  return 'undefined. A circular import leaves it undefined: the module that makes it must not import the one that uses it, not even through others.'
}
