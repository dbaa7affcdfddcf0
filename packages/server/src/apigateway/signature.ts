import { createHmac, hash } from 'node:crypto'
import type { Credentials } from '../sdk/client-settings.ts'

/** What a request is signed for. */
export interface SigningTarget {
  /** With the port if it is not the default one of the protocol. */
  readonly host: string
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
 * Signs posts by Signature Version 4. The key of a day and the text of a second are kept, since most posts of a process
 * share them: a general signer takes three times the time. A test compares it with the signer of the SDK.
 */
export class PostSigner {
  #second = Number.NaN
  /** `20260131T235959Z` */
  #time = ''
  #keyOf = ''
  #key: Buffer = Buffer.alloc(0)

  /** The headers of the request, with its `Authorization`. */
  sign({ host, region, credentials }: SigningTarget, { path, body, time }: UnsignedPost): Record<string, string> {
    const at = this.#textOf(time)
    const day = at.slice(0, 8)
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    const scope = `${day}/${region}/${service}/aws4_request`
    const token = sessionToken === undefined ? '' : `x-amz-security-token:${sessionToken}\n`
    const names = `content-type;host;x-amz-date${sessionToken === undefined ? '' : ';x-amz-security-token'}`
    const request =
      `POST\n${escapePath(path)}\n\ncontent-type:${contentType}\nhost:${host}\nx-amz-date:${at}\n${token}\n` +
      `${names}\n${digest(body)}`
    const key = this.#keyFor(secretAccessKey, { day, region })
    const signature = createHmac('sha256', key)
      .update(`${algorithm}\n${at}\n${scope}\n${digest(request)}`)
      .digest('hex')
    const headers: Record<string, string> = {
      Host: host,
      'Content-Type': contentType,
      'Content-Length': String(Buffer.byteLength(body)),
      'X-Amz-Date': at,
      Authorization: `${algorithm} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    }
    if (sessionToken !== undefined) headers['X-Amz-Security-Token'] = sessionToken
    return headers
  }

  #textOf(ms: number): string {
    const second = Math.floor(ms / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#time = new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')
    }
    return this.#time
  }

  #keyFor(secret: string, { day, region }: { readonly day: string; readonly region: string }): Buffer {
    const keyOf = `${day}\n${region}\n${secret}`
    if (keyOf !== this.#keyOf) {
      this.#key = [day, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`))
      this.#keyOf = keyOf
    }
    return this.#key
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
