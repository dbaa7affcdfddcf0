/** The steps that `npm start`, `npm test` and `npm run chat` share. Only `node:` modules: on a fresh clone nothing else is there. */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root: every step runs there, wherever the command was typed. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Tools that are run by this Node itself: a `.cmd` shim of Windows cannot be spawned without a shell. */
export const bin = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  turbo: 'node_modules/turbo/bin/turbo',
  vitest: 'node_modules/vitest/vitest.mjs',
}

const stamp = join(root, 'node_modules', '.trunkline-install')

/** A step that could not go on: its message is the one line that the user gets, its code the command's. */
export class StepFailure extends Error {
  /**
   * @param {string} message
   * @param {number} [code]
   */
  constructor(message, code = 1) {
    super(message)
    this.code = code
  }
}

/** Ctrl-C, or a request to end, while a step ran. */
export class Stopped extends Error {}

/** Says what is being done, in one line. @param {string} text */
export function say(text) {
  process.stderr.write(`trunkline: ${text}\n`)
}

/** Refuses a Node that is too old for the tools below, before one of them fails in a way that names nothing. */
export function checkNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new StepFailure(`Node 20.19 or newer is needed, this is ${version}: see https://nodejs.org`)
}

/** Installs what package-lock.json names, unless the last install here was of that same file. */
export async function install() {
  const wanted = installId()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  say('installing the packages of package-lock.json (a minute or two)')
  const code = await run([...npm(), 'ci', '--no-audit', '--no-fund', '--loglevel=error'], { deadlineMs: 15 * 60_000 })
  if (code !== 0) throw new StepFailure(`npm ci failed with code ${code}: its last lines above say why`, code)
  writeFileSync(stamp, wanted)
}

/** Builds every package; turbo skips what has not changed. */
export async function build() {
  say('building')
  const code = await run(turbo('build'), { quiet: true, deadlineMs: 10 * 60_000 })
  if (code !== 0) throw new StepFailure(`the build failed with code ${code}: its last lines above say why`, code)
}

/** Turbo's arguments for one task: quiet about what succeeds. @param {string} task */
export function turbo(task) {
  return [bin.turbo, 'run', task, '--output-logs=errors-only', '--log-order=grouped', '--ui=stream']
}

/**
 * Runs one Node program at the root to its end and gives its code. Ctrl-C reaches the program; when it has ended, Stopped is thrown.
 * @param {readonly string[]} args what follows `node`
 * @param {{ readonly env?: NodeJS.ProcessEnv, readonly deadlineMs?: number, readonly command?: string, readonly quiet?: boolean, readonly background?: boolean }} [options]
 *   `quiet` shows the output only of a program that failed; `background` leaves the processor to the other steps
 * @returns {Promise<number>}
 */
export function run(args, { env, deadlineMs, command = process.execPath, quiet = false, background = false } = {}) {
  return new Promise((resolve, reject) => {
    const silent = {
      TURBO_TELEMETRY_DISABLED: '1',
      NO_UPDATE_NOTIFIER: '1',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', // Node 20 develops, newer ones deploy
    }
    const stdio = quiet ? 'pipe' : 'inherit'
    const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, ...silent, ...env } })
    if (background && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    const output = collect(child)
    const release = passSignals(child)
    const timer = deadlineMs === undefined ? undefined : setTimeout(() => giveUp(child, args, deadlineMs), deadlineMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (release()) return reject(new Stopped('stopped'))
      if (code !== 0) process.stderr.write(Buffer.concat(output))
      resolve(code ?? (signal === null ? 1 : 128))
    })
  })
}

/**
 * What one Node program prints. Rejects when it fails or takes longer than five minutes.
 * @param {readonly string[]} args what follows `node`
 * @returns {Promise<string>}
 */
export function output(args) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, timeout: 5 * 60_000, encoding: 'utf8' }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(error)
    })
  })
}

/**
 * Runs the steps of a command and ends with their code; a failure ends it with one line and the failing step's code.
 * @param {() => Promise<number>} steps
 * @param {{ readonly stoppedCode?: number }} [options] the code after Ctrl-C: 0 where that is how one ends it
 */
export async function main(steps, { stoppedCode = 0 } = {}) {
  try {
    process.exitCode = await steps()
  } catch (error) {
    if (error instanceof Stopped) {
      process.exitCode = stoppedCode
      return
    }
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = error instanceof StepFailure ? error.code : 1
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function collect(child) {
  /** @type {Buffer[]} */
  const output = []
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (/** @type {Buffer} */ chunk) => output.push(chunk))
  return output
}

/** What an install depends on: the lockfile's bytes, not its age (git sets that), and the platform whose binaries it chose. */
function installId() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return `${lock} ${process.platform}-${process.arch}\n`
}

/** npm as a program for Node. `npm run` names itself in npm_execpath; without it, npm stands beside Node. */
export function npm() {
  const named = process.env.npm_execpath
  if (named !== undefined && basename(named) === 'npm-cli.js') return [named]
  const home = dirname(process.execPath)
  const places = [join(home, 'node_modules/npm/bin/npm-cli.js'), join(home, '../lib/node_modules/npm/bin/npm-cli.js')]
  const found = places.find((place) => existsSync(place))
  if (found === undefined) throw new StepFailure('npm was not found beside Node: run this by `npm start` or `npm test`')
  return [found]
}

/**
 * Passes on what asks this process to end, and tells at the end whether something did. A terminal sends Ctrl-C to the
 * whole group, so the child has it already; any other sender reached only this process. A signal to npm alone reaches
 * nobody here, since npm passes it to its shell, which dies of it: then this process has lost its parent.
 * @param {import('node:child_process').ChildProcess} child
 */
function passSignals(child) {
  let stopping = false
  const parent = process.ppid
  const onInterrupt = () => {
    if (stopping)
      child.kill('SIGKILL') // the second Ctrl-C: the child had its chance to end by itself
    else if (!process.stdin.isTTY) child.kill('SIGTERM') // not SIGINT: should the child have that one, it may take a second as "now"
    stopping = true
  }
  const onTerminate = () => {
    stopping = true
    child.kill('SIGTERM')
  }
  const orphaned = setInterval(() => {
    if (!stopping && process.ppid !== parent) onTerminate()
  }, 250)
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate).on('SIGHUP', onTerminate)
  return () => {
    clearInterval(orphaned)
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate).off('SIGHUP', onTerminate)
    return stopping
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {readonly string[]} args
 * @param {number} deadlineMs
 */
function giveUp(child, args, deadlineMs) {
  say(`\`${args.slice(0, 3).join(' ')}\` did not end within ${Math.round(deadlineMs / 60_000)} min: stopping it`)
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), 5_000).unref()
}
