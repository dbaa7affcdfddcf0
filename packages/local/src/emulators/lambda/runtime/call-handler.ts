/** A handler's result as it is passed between threads: JSON text, or an error's three members. */
export type HandlerAnswer = { readonly status: 'ok'; readonly text: string } | HandlerError

/** A function error as Lambda's Node runtime reports it. */
export interface HandlerError {
  readonly status: 'error'
  readonly errorType: string
  readonly errorMessage: string
  readonly trace: readonly string[]
}

const maxAnswerBytes = 6_291_556 // Lambda's limit: 6 MB plus a small allowance. A longer result is a function error.

/** Calls a handler and converts its result to JSON text. Never throws and never rejects, whatever the handler does. */
export async function callHandler(call: () => unknown): Promise<HandlerAnswer> {
  try {
    return toAnswer(await call())
  } catch (error) {
    return toHandlerError(error)
  }
}

/** Converts any thrown value to a function error. */
export function toHandlerError(thrown: unknown): HandlerError {
  try {
    if (isErrorLike(thrown)) return handlerError(thrown.name, thrown.message, String(thrown.stack ?? '').split('\n'))
    return handlerError(typeof thrown, String(thrown))
  } catch {
    return handlerError('handled', 'The function threw a value whose name, message and stack could not be read.')
  }
}

/** Creates a function error with Lambda's own message. */
export function handlerError(errorType: string, errorMessage: string, trace: readonly string[] = []): HandlerError {
  return { status: 'error', errorType, errorMessage, trace }
}

function toAnswer(result: unknown): HandlerAnswer {
  const text = stringify(result)
  if (typeof text !== 'string') return text
  if (Buffer.byteLength(text) <= maxAnswerBytes) return { status: 'ok', text }
  const limit = `Response payload size exceeded maximum allowed payload size (${maxAnswerBytes} bytes).`
  return handlerError('Function.ResponseSizeTooLarge', limit)
}

/**
 * Converts a result to JSON. A BigInt, a cycle or a throwing `toJSON` is an error, as in Lambda. A function or a symbol
 * becomes null.
 */
function stringify(result: unknown): string | HandlerError {
  try {
    return JSON.stringify(result) ?? 'null'
  } catch (error) {
    return handlerError(
      'Runtime.MarshalError',
      `Unable to stringify response body: ${toHandlerError(error).errorMessage}`,
    )
  }
}

/** Recognises an error by its members, as Lambda's runtime does: an error of another realm fails `instanceof Error`. */
function isErrorLike(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Error || ('name' in value && 'message' in value && typeof value.name === 'string')
}
