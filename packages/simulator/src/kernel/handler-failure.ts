/** The error that a handler of the application throws. */
export class HandlerFailure extends Error {
  override readonly name = 'HandlerFailure'
}
