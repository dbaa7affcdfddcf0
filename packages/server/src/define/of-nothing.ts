/** Names a value that is not what was expected, for the end of an error's words. What is undefined is mostly a circular import's. */
export function ofNothing(given: unknown): string {
  if (given !== undefined) return `${given === null ? 'null' : typeof given}.`
  return 'undefined. A circular import leaves it undefined: the module that makes it must not import the one that uses it, not even through others.'
}
