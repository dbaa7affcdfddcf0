import { createClient, createConnection, iterate } from '@trunkline/client'
import type { AppRouter } from './application.js'

/** A call and a subscription over the global WebSocket. */
export async function talk(url: string): Promise<string> {
  const connection = createConnection({ url })
  const client = createClient<AppRouter>({ connection })
  const events = iterate(client.hear, { room: url })
  await client.say.mutate({ room: url, text: 'hello' })
  const { value } = await events.next()
  await connection.close()
  return value?.data.text ?? 'nothing came'
}

Object.assign(globalThis, { talk }) // a bundle has no other way out that every bundler keeps
