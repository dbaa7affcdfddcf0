import { sha256 } from '../../ports/sha256.ts'

const idBytes = 16
/** Each id is hashed once in a process while it is among this many. */
const idsKept = 1_000
const ids = new Map<string, string>()

/**
 * The public id of a session: the first 128 bits of SHA-256 of its session id, as 22 characters of base64url. It is the
 * same on every connection of the session, and the session id cannot be found from it. Whatever leaves the runtime
 * (the facts of a call, rows of presence, logs) has this id. [TL-HS-7]
 */
export function publicSessionId(session: string): string {
  const known = ids.get(session)
  if (known !== undefined) return known
  const id = sha256(session).subarray(0, idBytes).toString('base64url')
  const [oldest] = ids.size >= idsKept ? ids.keys() : []
  if (oldest !== undefined) ids.delete(oldest)
  ids.set(session, id)
  return id
}
