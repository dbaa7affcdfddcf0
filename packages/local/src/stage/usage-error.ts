/** Wrong usage: the message says what was expected and what came. The exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
