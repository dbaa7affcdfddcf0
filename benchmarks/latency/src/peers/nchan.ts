import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Event, Rival } from '@trunkline/benchmark-delivery/contestant.ts'
import { freePort, openSocket, type Peer, toEvent } from './peer.ts'
import { createFolder, findProgram, startProgram } from './program.ts'

const module = '/usr/lib/nginx/modules/ngx_nchan_module.so'

/** nginx with its publish and subscribe module. It keeps the messages of a channel in memory. */
export const nchan: Peer = {
  id: 'nchan',
  name: 'nchan on nginx',
  documents: ['https://nchan.io/#websocket', 'https://nchan.io/#publisher-endpoints'],
  reconnect: 'none',
  missing() {
    const installed = findProgram('nginx') !== undefined && existsSync(module)
    return installed ? undefined : 'it needs nginx and nchan (Debian: `apt-get install nginx libnginx-mod-nchan`)'
  },
  start,
}

async function start(): Promise<Rival> {
  const [port, folder] = [await freePort(), createFolder()]
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, configuration(port, folder))
  const program = await startProgram(findProgram('nginx') ?? 'nginx', ['-e', 'stderr', '-c', file], { port, folder })
  const log: Event[] = []
  return {
    port,
    async subscribe(to, { onEvent }) {
      const socket = await openSocket(`ws://127.0.0.1:${to}/subscribe`, (text) => {
        const event = toEvent(text)
        if (event !== undefined) onEvent(event)
      })
      return { close: () => socket.terminate() }
    },
    async publisher(to) {
      return {
        async publish(event) {
          const body = JSON.stringify(event)
          const response = await fetch(`http://127.0.0.1:${to}/publish`, { method: 'POST', body })
          if (!response.ok) throw new Error(`Expected nchan to accept an event, got ${response.status}.`)
          await response.text()
          log.push(event)
        },
        close() {},
      }
    },
    log: async () => log,
    close: () => program.close(),
  }
}

function configuration(port: number, folder: string): string {
  return `
load_module ${module};
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  server {
    listen 127.0.0.1:${port};
    location /subscribe { nchan_subscriber websocket; nchan_channel_id room; nchan_subscriber_first_message newest; }
    location /publish { nchan_publisher; nchan_channel_id room; nchan_message_buffer_length 1000; }
  }
}
`
}
