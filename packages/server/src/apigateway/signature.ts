import { createHmac, hash } from 'node:crypto'
import type { Credentials } from '../sdk/client-settings.ts'
import type { HttpRequest } from './pooled-socket.ts'

/** The identity that requests are signed with. */
export interface Identity {
  readonly region: string
  readonly credentials: Credentials
}

/** A request to a connection, whose body is sent as bytes of no declared meaning. */
export interface UnsignedPost {
  /** As it is sent. */
  readonly path: string
  readonly body: string
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
  #second = Number.NaN
  /** `20260131T235959Z` */
  #time = ''
  #keyOf = ''
  #key = new HmacKey(Buffer.alloc(0))
  #body = ''
  #digest = digest('')
  #bytes = 0

  /** `host`: with the port if it is not the default one of the protocol. */
  constructor(host: string) {
    this.#host = host
  }

  /** The request, signed. Throws an `Error` for credentials that a header cannot carry. */
  sign({ region, credentials }: Identity, { path, body, time }: UnsignedPost): HttpRequest {
    const at = this.#textOf(time)
    const day = at.slice(0, 8)
    const { accessKeyId, sessionToken } = credentials
    const scope = `${day}/${region}/${service}/aws4_request`
    const token = sessionToken === undefined ? '' : `x-amz-security-token:${sessionToken}\n`
    const names = `content-type;host;x-amz-date${sessionToken === undefined ? '' : ';x-amz-security-token'}`
    const host = this.#host
    this.#readBody(body)
    const request =
      `POST\n${escapePath(path)}\n\ncontent-type:${contentType}\nhost:${host}\nx-amz-date:${at}\n${token}\n` +
      `${names}\n${this.#digest}`
    const key = this.#keyFor(credentials, { day, region })
    const signature = key.sign(`${algorithm}\n${at}\n${scope}\n${digest(request)}`)
    const text =
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${contentType}\r\nContent-Length: ${this.#bytes}\r\n` +
      `X-Amz-Date: ${at}\r\n${sessionToken === undefined ? '' : `X-Amz-Security-Token: ${sessionToken}\r\n`}` +
      `Authorization: ${algorithm} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, ` +
      `Signature=${signature}\r\n\r\n${body}`
    return { text, encoding: this.#bytes === body.length ? 'latin1' : 'utf8' }
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
      if (!/^[\x21-\x7e]*$/.test(region + accessKeyId + sessionToken))
        throw new Error(
          'Expected credentials and a region of printable ASCII without spaces. Check what provides them.',
        )
      this.#key = new HmacKey(
        [day, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`)),
      )
      this.#keyOf = keyOf
    }
    return this.#key
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

/** The path is escaped once more for its signature. */
function escapePath(path: string): string {
  return encodeURIComponent(path)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`)
}
