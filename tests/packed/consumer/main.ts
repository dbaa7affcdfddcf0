import { pathToFileURL } from 'node:url'
import { startLocalLine } from '@trunkline/local'
import { WebSocket } from 'ws'
import { line, read, router } from './application.js'

// Starts a local line of the installed packages, which each bundle in the arguments calls in turn.
Object.assign(globalThis, { WebSocket })
await using local = await startLocalLine({ router, line })
const received: string[] = []
for (const bundle of process.argv.slice(2)) {
  await import(pathToFileURL(bundle).href)
  const { talk } = globalThis as unknown as { readonly talk: (url: string) => Promise<string> }
  received.push(await talk(local.url))
}
const { client } = local.connect()
await client.say.mutate({ room: 'node', text: 'node too' })
const { events } = await local.run(() => read('node'))
console.log(JSON.stringify([...received, ...events.map(({ data }) => data.text)]))
