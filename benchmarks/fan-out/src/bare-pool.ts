import { Pool } from 'undici'

/** As many sockets as a delivery of Trunkline posts on at the same time. */
const connections = 50

/**
 * Posts one text to each of these connections of a local gateway, unsigned: what a function could reach at most over
 * the same HTTP API. Resolves when the gateway has answered all posts.
 */
export async function postByPool(url: string, connectionIds: readonly string[], text: string): Promise<void> {
  const { host, pathname } = new URL(url)
  const pool = new Pool(`http://${host}`, { connections })
  const headers = { authorization: 'AWS4-HMAC-SHA256 none', 'content-type': 'application/octet-stream' }
  const remaining = connectionIds.values() // all workers share it
  const work = async () => {
    for (const id of remaining) {
      const path = `${pathname}/@connections/${encodeURIComponent(id)}`
      const { statusCode, body } = await pool.request({ path, method: 'POST', headers, body: text })
      await body.dump()
      if (statusCode !== 200) throw new Error(`Expected the gateway to accept a post, got ${statusCode}.`)
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  await pool.close()
}
