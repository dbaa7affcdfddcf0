import { createHmac, hash } from 'node:crypto'
import type { Credentials } from '../sdk/client-settings.ts'
import type { HttpRequest } from './pooled-socket.ts'

/** The identity that requests are signed with. */
export interface Identity {
  readonly region: string
  readonly credentials: Credentials
}

/** A request to a connection, whose text is sent as bytes of no declared meaning. */
export interface UnsignedPost {
  readonly connectionId: string
  readonly text: string
  /** Epoch milliseconds. */
  readonly time: number
}

const service = 'execute-api'
const algorithm = 'AWS4-HMAC-SHA256'
const contentType = 'application/octet-stream'

/**
 * Writes posts to one host as signed requests of HTTP/1.1, by Signature Version 4. The key of a day, the text of a
 * second and the digest of the last body are kept, since most posts of a process share them: a general signer takes
 * three times the time. A test compares it with the signer of the SDK.
 */
export class PostSigner {
  readonly #host: string
  /** The path before the connection's id. */
  readonly #base: string
  readonly #escapedBase: string
  #second = Number.NaN
  /** `20260131T235959Z` */
  #time = ''
  #keyOf = ''
  #key = new HmacKey(Buffer.alloc(0))
  #body = ''
  #digest = digest('')
  #bytes = 0

  constructor(callbackUrl: URL) {
    this.#host = callbackUrl.host
    this.#base = `${callbackUrl.pathname.replace(/\/$/, '')}/@connections/`
    this.#escapedBase = this.#base.split('/').map(escapeOnceMore).join('/')
  }

  /** The request, signed. Throws a `CredentialsFormatError` for credentials that a header cannot carry. */
  sign({ region, credentials }: Identity, { connectionId, text, time }: UnsignedPost): HttpRequest {
    const at = this.#textOf(time)
    const day = at.slice(0, 8)
    const { accessKeyId, sessionToken = '' } = credentials // an empty variable of the environment means none
    const scope = `${day}/${region}/${service}/aws4_request`
    const token = sessionToken === '' ? '' : `x-amz-security-token:${sessionToken}\n`
    const names = `content-type;host;x-amz-date${sessionToken === '' ? '' : ';x-amz-security-token'}`
    const host = this.#host
    const id = encodeURIComponent(connectionId)
    this.#readBody(text)
    const request =
      `POST\n${this.#escapedBase}${escapeOnceMore(id)}\n\n` +
      `content-type:${contentType}\nhost:${host}\nx-amz-date:${at}\n${token}\n${names}\n${this.#digest}`
    const key = this.#keyFor(credentials, { day, region })
    const signature = key.sign(`${algorithm}\n${at}\n${scope}\n${digest(request)}`)
    const written =
      `POST ${this.#base}${id} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${contentType}\r\n` +
      `Content-Length: ${this.#bytes}\r\nX-Amz-Date: ${at}\r\n` +
      `${sessionToken === '' ? '' : `X-Amz-Security-Token: ${sessionToken}\r\n`}` +
      `Authorization: ${algorithm} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, ` +
      `Signature=${signature}\r\n\r\n${text}`
    return { text: written, encoding: this.#bytes === text.length ? 'latin1' : 'utf8' }
  }

  #textOf(ms: number): string {
    const second = Math.floor(ms / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#time = new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')
    }
    return this.#time
  }

  /** One event is the same text for many connections. */
  #readBody(body: string): void {
    if (body === this.#body) return
    this.#body = body
    this.#digest = digest(body)
    this.#bytes = Buffer.byteLength(body)
  }

  #keyFor(
    { accessKeyId, secretAccessKey, sessionToken = '' }: Credentials,
    { day, region }: { readonly day: string; readonly region: string },
  ): HmacKey {
    const keyOf = [day, region, accessKeyId, secretAccessKey, sessionToken].join('\n')
    if (keyOf !== this.#keyOf) {
      if (!/^[\x21-\x7e]*$/.test(region + accessKeyId + sessionToken)) throw new CredentialsFormatError()
      this.#key = new HmacKey(
        [day, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`)),
      )
      this.#keyOf = keyOf
    }
    return this.#key
  }
}

class CredentialsFormatError extends Error {
  override readonly name = 'CredentialsFormatError'
  constructor() {
    super('Expected credentials and a region of printable ASCII without spaces. Check what provides them.')
  }
}

const blockBytes = 64 // of SHA-256
const digestBytes = 32

/**
 * HMAC-SHA-256 (RFC 2104) with one key of at most 64 bytes, by two digests of one call each. `createHmac` makes an
 * object for each text, and takes twice the time on Node 20 and more on later versions.
 */
class HmacKey {
  readonly #inner = Buffer.alloc(blockBytes + 512) // a text has some 150 bytes
  readonly #outer = Buffer.alloc(blockBytes + digestBytes)

  constructor(key: Buffer) {
    for (let n = 0; n < blockBytes; n++) {
      this.#inner[n] = (key[n] ?? 0) ^ 0x36
      this.#outer[n] = (key[n] ?? 0) ^ 0x5c
    }
  }

  /** The signature of a text of ASCII, in hexadecimal digits. */
  sign(text: string): string {
    const end = blockBytes + this.#inner.write(text, blockBytes, 'latin1')
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'binary'), blockBytes, 'latin1')
    return hash('sha256', this.#outer, 'hex')
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function digest(text: string): string {
  return hash('sha256', text, 'hex')
}

/** Escapes a part of an escaped path for its signature. */
function escapeOnceMore(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`)
}
