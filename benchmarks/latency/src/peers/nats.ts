import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConsumerMessages, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type NatsConnection, wsconnect } from '@nats-io/nats-core'
import type { Event, Rival } from '@trunkline/benchmark-delivery/contestant.ts'
import { WebSocket } from 'ws'
import { freePort, type Peer } from './peer.ts'
import { createFolder, findProgram, startProgram } from './program.ts'

/** NATS with JetStream: each subscriber is a connection with an ordered consumer of one stream in memory. */
export const nats: Peer = {
  id: 'nats',
  name: 'NATS JetStream over WebSocket',
  documents: [
    'https://docs.nats.io/running-a-nats-service/configuration/websocket',
    'https://docs.nats.io/using-nats/developer/develop_jetstream/consumers',
  ],
  reconnect: 'none',
  missing() {
    return findProgram('nats-server') === undefined
      ? 'it needs nats-server (Debian: `apt-get install nats-server`)'
      : undefined
  },
  start,
}

const [stream, subject] = ['room', 'room.events']

async function start(): Promise<Rival> {
  // the client takes the runtime's WebSocket, which Node has since version 22
  Object.assign(globalThis, { WebSocket: globalThis.WebSocket ?? WebSocket })
  const [port, ownPort, folder] = [await freePort(), await freePort(), createFolder()]
  const file = join(folder, 'nats.conf')
  writeFileSync(file, configuration({ port, ownPort, folder }))
  const program = await startProgram(findProgram('nats-server') ?? 'nats-server', ['-c', file], { port, folder })
  const open = (to: number) => wsconnect({ servers: `ws://127.0.0.1:${to}`, reconnect: false })
  const admin = await open(port)
  await (await jetstreamManager(admin)).streams.add({ name: stream, subjects: [subject], storage: 'memory' })
  const log: Event[] = []
  return {
    port,
    async subscribe(to, { onEvent }) {
      const connection = await open(to)
      const consumer = await jetstream(connection).consumers.get(stream, { deliver_policy: 'new' })
      const messages = await consumer.consume({
        callback: (message) => onEvent(message.json<Event>()),
      })
      return { close: () => end(connection, messages) }
    },
    async publisher(to) {
      const connection = await open(to)
      const publisher = jetstream(connection)
      return {
        async publish(event) {
          await publisher.publish(subject, JSON.stringify(event))
          log.push(event)
        },
        close: () => connection.close(),
      }
    },
    log: async () => log,
    async close() {
      await admin.close()
      await program.close()
    },
  }
}

async function end(connection: NatsConnection, messages: ConsumerMessages): Promise<void> {
  messages.stop()
  await connection.close()
}

function configuration(options: { readonly port: number; readonly ownPort: number; readonly folder: string }): string {
  return `
listen: 127.0.0.1:${options.ownPort}
jetstream { store_dir: ${JSON.stringify(options.folder)} }
websocket { listen: "127.0.0.1:${options.port}", no_tls: true }
`
}
