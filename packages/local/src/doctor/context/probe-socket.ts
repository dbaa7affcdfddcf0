import { randomBytes } from 'node:crypto'
import { formatOffer, SUBPROTOCOL } from '@trunkline/protocol'
import { WebSocket } from 'ws'
import type { CheckContext } from './check.ts'

/** How a probe connects. */
export interface ProbeOptions {
  /** @default the settings' token, or none */
  readonly token?: string | null
  /** @default the settings' origin, or no header */
  readonly origin?: string
  /** @default what Trunkline's client offers */
  readonly subprotocols?: readonly string[]
  /** The secret id of the session. @default a random one */
  readonly session?: string
  /** Whether compression is offered. @default false */
  readonly offersDeflate?: boolean
}

/** The result of a handshake. */
export type Handshake =
  | { readonly status: 'open'; readonly socket: ProbeSocket }
  /** The HTTP status and the start of the body. */
  | { readonly status: 'refused'; readonly code: number; readonly body: string }

/** How a socket was closed. */
export interface Closed {
  readonly code: number
  readonly reason: string
}

const bodyBytes = 200

/** A socket of the doctor. Its messages are kept until they are asked for. */
export interface ProbeSocket {
  /** The subprotocol that the line selected; empty without one. */
  readonly subprotocol: string
  /** The extensions that were negotiated; empty without one. */
  readonly extensions: string
  readonly raw: WebSocket
  send(text: string): void
  /** Resolves to the first message, also one that has arrived, for which `is` holds. Rejects when the socket closes. */
  message(is: (text: string) => boolean): Promise<string>
  /** Resolves when the socket is closed. */
  readonly closed: Promise<Closed>
}

/**
 * Opens a WebSocket to the line. Rejects when the address is unreachable, or when the check's time is over. The socket
 * is closed at the end of the check.
 */
export function openSocket(context: CheckContext, options: ProbeOptions = {}): Promise<Handshake> {
  const { target, settings, signal, onEnd } = context
  if (target.webSocketUrl === undefined)
    throw new Error('Expected the address of the WebSocket API, got none. Name the stage, or set --url wss://….')
  const token = options.token === undefined ? (settings.token ?? null) : options.token
  const offer = options.subprotocols ?? formatOffer({ session: options.session ?? randomSession(), token })
  const origin = options.origin ?? settings.origin
  const socket = new WebSocket(target.webSocketUrl, [...offer], {
    perMessageDeflate: options.offersDeflate === true,
    handshakeTimeout: 15_000,
    ...(origin !== undefined && { origin }),
  })
  onEnd(async () => socket.terminate())
  signal.addEventListener('abort', () => socket.terminate(), { once: true })
  return handshakeOf(socket)
}

function handshakeOf(socket: WebSocket): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const probe = toProbe(socket)
    socket.once('open', () => resolve({ status: 'open', socket: probe }))
    socket.on('error', (error) => reject(explained(error))) // after `open` it changes nothing, and keeps the process alive
    socket.once('unexpected-response', (request, response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        body = (body + part).slice(0, bodyBytes)
      })
      response.on('end', () => {
        resolve({ status: 'refused', code: response.statusCode ?? 0, body })
        request.destroy()
      })
    })
  })
}

/** As a browser does, `ws` gives a socket up whose subprotocol is not the one that was offered. */
function explained(error: Error): Error {
  if (!/subprotocol/i.test(error.message)) return error
  const words = `Expected the subprotocol ${SUBPROTOCOL} where it is offered, and otherwise none. ${error.message}.`
  return new Error(`${words} Browsers close such a socket.`, { cause: error })
}

function toProbe(raw: WebSocket): ProbeSocket {
  const messages: string[] = []
  const waiting = new Set<() => void>()
  let closing: Closed | undefined
  const look = () => {
    for (const each of [...waiting]) each()
  }
  raw.on('message', (data) => {
    messages.push(String(data))
    look()
  })
  const closed = new Promise<Closed>((resolve) => {
    raw.once('close', (code, reason) => {
      closing = { code, reason: String(reason) }
      resolve(closing)
      look()
    })
  })
  return {
    raw,
    closed,
    get subprotocol() {
      return raw.protocol
    },
    get extensions() {
      return raw.extensions
    },
    send: (text) => raw.send(text),
    message: (is) =>
      new Promise((resolve, reject) => {
        const find = () => {
          const found = messages.find(is)
          if (found !== undefined) resolve(found)
          else if (closing !== undefined)
            reject(
              new Error(
                `The socket was closed with ${closing.code} ${closing.reason} before the answer came.`.replace(
                  '  ',
                  ' ',
                ),
              ),
            )
          else return
          waiting.delete(find)
        }
        waiting.add(find)
        find()
      }),
  }
}

/** A new secret id of a session. */
export function randomSession(): string {
  return randomBytes(16).toString('base64url')
}

export { SUBPROTOCOL }

/** Whether a message holds a frame with this id. */
export function hasId(id: string): (text: string) => boolean {
  return (text) => framesOf(text).some((frame) => frame['id'] === id)
}

/** The frame with this id in a message. Throws when there is none. */
export function frameOf(text: string, id: string): Readonly<Record<string, unknown>> {
  const frame = framesOf(text).find((each) => each['id'] === id)
  if (frame === undefined) throw new Error(`Expected a frame with the id ${id}, got ${text.slice(0, bodyBytes)}.`)
  return frame
}

function framesOf(text: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const parsed: unknown = JSON.parse(text)
    return [parsed].flat().filter((each) => typeof each === 'object' && each !== null) as Record<string, unknown>[]
  } catch {
    return [] // the gateway's own frames are JSON, too; anything else has no id
  }
}

/** What `hello` was answered with. */
export interface HelloAnswer {
  readonly time?: number
  readonly refused?: string
  readonly limits?: Readonly<Record<string, number>>
}

/** Sends `hello` and resolves to the members of its answer. Rejects when the answer is an error. */
export async function hello(socket: ProbeSocket): Promise<HelloAnswer> {
  socket.send('{"id":"hello","method":"hello"}')
  const { result, error } = frameOf(await socket.message(hasId('hello')), 'hello')
  if (error !== undefined) throw new Error(`Expected an answer to hello, got the error ${JSON.stringify(error)}.`)
  return (result ?? {}) as HelloAnswer
}
