import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const startMs = 10_000 // 10 s

/** A server that runs as a process, with a folder that is removed when it ends. */
export interface Program {
  close(): Promise<void>
}

/** The path of a program on PATH or in Debian's folder for servers; undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** Creates a folder for the files of one program. */
export function createFolder(): string {
  return mkdtempSync(join(tmpdir(), 'trunkline-benchmark-'))
}

/** Starts a server and waits until it accepts connections on `port`. Throws with its output when it ends before. */
export async function startProgram(
  path: string,
  args: readonly string[],
  { port, folder }: { readonly port: number; readonly folder: string },
): Promise<Program> {
  const child = spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let printed = ''
  child.stderr.on('data', (data) => {
    printed += String(data)
  })
  const giveUpAt = Date.now() + startMs
  while (!(await accepts(port))) {
    if (child.exitCode === null && Date.now() < giveUpAt) continue
    child.kill()
    throw new Error(`Expected ${path} to listen on port ${port} within ${startMs / 1_000} s; it printed: ${printed}`)
  }
  return { close: () => stop(child, folder) }
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  const ended = child.exitCode === null ? once(child, 'exit') : undefined
  child.kill()
  await ended
  rmSync(folder, { recursive: true, force: true })
}

/** Whether something listens on the port; waits 50 ms when nothing does. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 50))
    return false
  } finally {
    socket.destroy()
  }
}
