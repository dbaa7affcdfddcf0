import { createClient, createConnection, iterate, trunklineError } from '@trunkline/client'
import { WebSocket } from 'ws'
import type { AppRouter } from './readme/router.ts'

/** Reads a room to its n-th message, or until a minute has passed. */
export async function listen(url: string, count: number): Promise<string[]> {
  await using connection = createConnection({ url, token: () => process.env['TOKEN'] ?? null, WebSocket })
  const client = createClient<AppRouter>({ connection })
  const texts: string[] = []
  try {
    const signal = AbortSignal.timeout(60_000)
    for await (const { data } of iterate(client.onMessage, { room: 'lobby' }, { signal })) {
      if (texts.push(data.text) === count) break
    }
  } catch (error) {
    if (trunklineError(error)?.code === 'GAP') console.error('start over from the database')
    throw error
  }
  return texts
}
