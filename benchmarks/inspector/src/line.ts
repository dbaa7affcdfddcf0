import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'

/** A development line with open sockets, on which frames are sent. */
export interface Line {
  readonly inspector: string
  /** Sends keepalives, two frames each with their answers, until the inspector has kept `frames`. */
  fill(frames: number): Promise<void>
  /** Sends this many frames a second until the returned function is called. */
  keepBusy(framesPerSecond: number): () => void
  close(): Promise<void>
}

const connectAtOnce = 20
const tickMs = 100
const batch = 5_000 // frames before the answers are awaited

/** Starts `trunkline dev` in a process of its own, and opens the sockets. */
export async function startLine(connections: number): Promise<Line> {
  // the benchmark runs as one file, below the folder that has the application
  const folder = fileURLToPath(new URL('../../src', import.meta.url))
  const command = fileURLToPath(new URL('./dist/cli.js', import.meta.resolve('@trunkline/local/package.json')))
  if (!existsSync(command)) throw new Error(`Expected the built ${command}. Run npm run build first.`)
  const child = spawn(
    process.execPath,
    [command, 'dev', folder, '--entry', join(folder, 'application.ts'), '--port', '0'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const inspector = await addressOf(child)
  const url = `${new URL(inspector).origin.replace('http', 'ws')}/dev`
  const sockets: WebSocket[] = []
  while (sockets.length < connections) {
    const count = Math.min(connectAtOnce, connections - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: count }, () => open(url)))))
  }
  let answers = 0
  for (const socket of sockets)
    socket.on('message', () => {
      answers += 1
    })
  let sent = 0
  const send = () => {
    sockets[sent % sockets.length]?.send('{"method":"ping"}')
    sent += 1
  }
  return {
    inspector,
    async fill(frames) {
      for (let done = 0; done < frames; done += batch) {
        for (let n = 0; n < Math.min(batch, frames - done) / 2; n++) send()
        while (answers < sent) await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    keepBusy(framesPerSecond) {
      const each = Math.max(1, Math.round((framesPerSecond * tickMs) / 2_000))
      const timer = setInterval(() => {
        for (let n = 0; n < each; n++) send()
      }, tickMs)
      return () => clearInterval(timer)
    },
    async close() {
      for (const socket of sockets) socket.terminate()
      child.kill()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += String(chunk)
      const [, address] = /inspector: +(\S+)\n/.exec(text) ?? []
      if (address !== undefined) resolve(address)
    })
    child.once('exit', (code) => reject(new Error(`trunkline dev ended with ${code}: ${text}`)))
  })
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  return socket
}
