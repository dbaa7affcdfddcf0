import { initTRPC } from '@trpc/server'
import { createClient, createConnection } from '@trunkline/client'
import { startLocalLine } from '@trunkline/local'
import { createLine } from '@trunkline/server'
import { WebSocket } from 'ws'
import * as z from 'zod'
import type { Contestant, Event, Rival } from '../contestant.ts'
import { eventSchema } from './trpc-server.ts'

/**
 * Trunkline with its whole emulated AWS in this process: each publish runs a function, writes the table, and posts to
 * each subscriber over HTTP.
 */
export const trunkline: Contestant = {
  id: 'trunkline',
  name: 'Trunkline, on its local line',
  documents: ['README.md', 'packages/local/README.md'],
  reconnect: '0.1–0.5 s, then 0.1–1 s while open sockets are lost within 5 s',
  start,
}

const line = createLine()
const room = z.object({ room: z.string() })
const events = line.channel('benchmark', { key: room, event: eventSchema })
const key = { room: 'benchmark' }
const t = initTRPC.create()
const router = t.router({
  publish: t.procedure.input(eventSchema).mutation(({ input }) => events.publish(key, input)),
  live: t.procedure.subscription(() => events.subscribe(key)),
})

async function start(): Promise<Rival> {
  const local = await startLocalLine({ router, line })
  const { port, pathname } = new URL(local.url)
  const connect = (proxyPort: number) => {
    const connection = createConnection({ url: `ws://127.0.0.1:${proxyPort}${pathname}`, WebSocket })
    return { connection, client: createClient<typeof router>({ connection }) }
  }
  return {
    port: Number(port),
    async subscribe(proxyPort, { onEvent, onSignal }) {
      const { connection, client } = connect(proxyPort)
      await new Promise<void>((resolve) => {
        client.live.subscribe(undefined, {
          onStarted: () => resolve(),
          onData: ({ data }) => onEvent(data),
          onError: ({ message }) => onSignal(message),
          onGap: ({ reason }) => onSignal(`gap: ${reason}`),
        })
      })
      return { close: () => connection.close() }
    },
    async publisher(proxyPort) {
      const { connection, client } = connect(proxyPort)
      return { publish: (event) => client.publish.mutate(event), close: () => connection.close() }
    },
    log: () => local.run(readAll),
    close: () => local.close(),
  }
}

/** Reads the whole log, page by page. */
async function readAll(): Promise<readonly Event[]> {
  const all: Event[] = []
  let before: string | null | undefined
  while (before !== null) {
    const page = await events.read(key, { limit: 1_000, ...(before === undefined ? {} : { before }) })
    all.unshift(...page.events.map(({ data }) => data))
    before = page.older
  }
  return all
}
