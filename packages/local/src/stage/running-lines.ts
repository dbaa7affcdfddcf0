import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { defined } from '@trunkline/protocol'
import { environmentStage } from './environment-stage.ts'
import type { Environment, Stage } from './stage.ts'
import { UsageError } from './usage-error.ts'

/** A `trunkline dev` that runs, as it announces itself to the other commands. */
export interface RunningLine {
  readonly pid: number
  readonly port: number
  /** The module with its handlers. */
  readonly entry?: string
  /** The environment of a script on this line. */
  readonly environment: Environment
}

const defaultPort = 4400
const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Announces a line in a file that only this user can read, because it allows access to every port of the line. Resolves
 * to a function that removes it. Where only others' folders can be written there is no file, and commands do not find
 * the line.
 */
export async function announceLine(line: RunningLine): Promise<() => Promise<void>> {
  const folder = folderOfUser()
  const file = join(folder, `${line.port}.json`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (!(await isPrivate(folder))) return async () => {}
    await rm(file, { force: true })
    await writeFile(file, JSON.stringify(line), { mode: 0o600, flag: 'wx' })
  } catch {
    return async () => {} // such as a disk without a place for temporary files: the line runs without its file
  }
  return () => rm(file, { force: true })
}

/**
 * The `trunkline dev` at this port or address; for an empty text the only one that runs, or of several the one at port
 * 4400.
 *
 * @throws UsageError for a text that is neither a port nor an address
 * @throws Error with the remedy when it does not run, or when several do
 */
export async function findRunningLine(local: string): Promise<Stage> {
  const wanted = local === '' ? undefined : toPort(local)
  const running = await runningLines()
  const found = wanted === undefined ? defaultOf(running) : running.find(({ port }) => port === wanted)
  if (found !== undefined) return { ...environmentStage({}, found.environment), ...defined({ entry: found.entry }) }
  const addresses = running.map(({ port }) => `--local ${port}`).join(', ')
  if (running.length > 0)
    throw new Error(
      wanted === undefined
        ? `Expected one running trunkline dev, got ${running.length}. Name one: ${addresses}.`
        : `No trunkline dev runs at port ${wanted}. Those that run are: ${addresses}.`,
    )
  throw new Error(
    `No line was named and no trunkline dev runs${wanted === undefined ? '' : ` at port ${wanted}`}. Start one with trunkline dev, or name a deployed line with --stage or --stack.`,
  )
}

function defaultOf(running: readonly RunningLine[]): RunningLine | undefined {
  return running.length === 1 ? running[0] : running.find(({ port }) => port === defaultPort)
}

function toPort(local: string): number {
  const { hostname, port: given } = URL.canParse(local) ? new URL(local) : { hostname: '', port: '' }
  if (given !== '' && !loopbackNames.has(hostname))
    throw new UsageError(`Expected --local to be an address of this machine, got ${local}. Use its own port.`)
  const port = Number(/^\d{1,5}$/.test(local) ? local : given)
  if (port > 0 && port <= 65_535) return port
  throw new UsageError(
    `Expected --local to be a port such as 4400 or an address such as ws://localhost:4400/dev, got ${local}.`,
  )
}

async function runningLines(): Promise<readonly RunningLine[]> {
  const folder = folderOfUser()
  if (!(await isPrivate(folder))) return []
  const files = (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name))
  const lines = await Promise.all(files.map((name) => readLine(join(folder, name))))
  return lines.filter((line) => line !== undefined).sort((a, b) => a.port - b.port)
}

/** Undefined for the file of a process that was killed, which is removed. */
async function readLine(file: string): Promise<RunningLine | undefined> {
  try {
    const line = JSON.parse(await readFile(file, 'utf8')) as RunningLine
    if (isRunning(line.pid)) return line
    await rm(file, { force: true })
  } catch {
    // removed while it was read, or half written: the line starts or ends now
  }
  return undefined
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function folderOfUser(): string {
  return join(tmpdir(), `trunkline-${process.getuid?.() ?? userInfo().username}`)
}

/** Whether this user alone can write to the folder. Windows has a temporary folder for each user. */
async function isPrivate(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  if (found?.isDirectory() !== true) return false
  return process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o077) === 0)
}
