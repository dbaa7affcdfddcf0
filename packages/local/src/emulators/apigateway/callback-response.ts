import type { ServerResponse } from 'node:http'
import { defined } from '@trunkline/protocol'

/** One response of the callback API. */
export interface CallbackResponse {
  readonly status: number
  readonly json?: unknown
  /** The header `x-amzn-ErrorType`, from which the AWS SDK derives the exception. */
  readonly errorType?: string
}

const errors = {
  400: { errorType: 'BadRequestException', message: 'Bad Request' },
  403: { errorType: 'ForbiddenException', message: 'Forbidden' },
  410: { errorType: 'GoneException', message: undefined }, // AWS sends an empty body
  413: { errorType: 'PayloadTooLargeException', message: 'Payload Too Large' },
  429: { errorType: 'LimitExceededException', message: 'Too Many Requests' },
  500: { errorType: 'InternalServerErrorException', message: 'Internal server error' },
} as const

/** An error response with its exception's name. `text` replaces the exception's usual message. */
export function toErrorResponse(status: keyof typeof errors, text?: string): CallbackResponse {
  const { errorType, message: usual } = errors[status]
  const message = text ?? usual
  return defined({ status, errorType, json: message === undefined ? undefined : { message } })
}

/** Writes a response. Calls `done` when it is sent or the caller has disconnected; `done` may be called twice. */
export function writeCallbackResponse(
  response: ServerResponse,
  { status, json, errorType }: CallbackResponse,
  done: () => void,
) {
  if (response.destroyed) return done()
  response.once('close', done)
  response.once('finish', done)
  if (status === 200 && json === undefined) {
    response.writeHead(status, accepted) // the response to each post
    response.end()
    return
  }
  const body = json === undefined ? '' : JSON.stringify(json)
  const headers = defined({
    'content-length': status === 204 ? undefined : Buffer.byteLength(body),
    'content-type': body === '' ? undefined : 'application/json',
    'x-amzn-ErrorType': errorType,
  })
  response.writeHead(status, headers)
  response.end(body)
}

const accepted = { 'content-length': 0 }
