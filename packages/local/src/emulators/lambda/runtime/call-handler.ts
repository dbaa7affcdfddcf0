/** An answer as it crosses the border: text, or an error's three members. */
export type HandlerAnswer = { readonly status: 'ok'; readonly text: string } | HandlerError

/** A function error as Lambda's Node runtime reports it. */
export interface HandlerError {
  readonly status: 'error'
  readonly errorType: string
  readonly errorMessage: string
  readonly trace: readonly string[]
}

const maxAnswerBytes = 6_291_556 // 6 MB and Lambda's small allowance: a longer answer is an error of the function

/** Calls a handler and makes text of what it gives. Never throws and never rejects, whatever the handler does. */
export async function callHandler(call: () => unknown): Promise<HandlerAnswer> {
  try {
    return toAnswer(await call())
  } catch (error) {
    return toHandlerError(error)
  }
}

/** Makes a function error of whatever was thrown. */
export function toHandlerError(thrown: unknown): HandlerError {
  try {
    if (isErrorLike(thrown)) return handlerError(thrown.name, thrown.message, String(thrown.stack ?? '').split('\n'))
    return handlerError(typeof thrown, String(thrown))
  } catch {
    return handlerError('handled', 'The function threw something of which name, message and stack could not be read.')
  }
}

/** A function error with Lambda's own words. */
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

/** A BigInt, a cycle, or a `toJSON` that throws: Lambda cannot marshal it either. A function or a symbol is JSON's nothing: null. */
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

/** By shape, as the runtime does it: an error of another realm is no `instanceof Error`. */
function isErrorLike(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Error || ('name' in value && 'message' in value && typeof value.name === 'string')
}
