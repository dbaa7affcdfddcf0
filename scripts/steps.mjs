/**
 * The steps that `npm start`, `npm test` and `npm run chat` share. Uses only `node:` modules, because a fresh clone has
 * no packages.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root. Every step runs there. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Tools, as programs for Node: a `.cmd` shim of Windows cannot be spawned without a shell. */
export const bin = {
  turbo: 'node_modules/turbo/bin/turbo',
  vitest: 'node_modules/vitest/vitest.mjs',
}

/**
 * How a program is run. `output` is printed live, in one block at the end, or only if the program fails. `background`
 * gives it a low priority, so that it uses only the processor time that other steps leave. `command` replaces this
 * Node.
 * @typedef {{
 *   readonly env?: NodeJS.ProcessEnv,
 *   readonly deadlineMs?: number,
 *   readonly command?: string,
 *   readonly output?: 'live' | 'at-end' | 'if-failed',
 *   readonly background?: boolean,
 * }} RunOptions
 */

const stamp = join(root, 'node_modules', '.trunkline-install')

/** A step that failed: its message is the line that the user gets, and its code is the exit code of the command. */
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

/** Thrown when Ctrl-C, or a signal to end, arrived while a step ran. */
export class Stopped extends Error {}

/** Prints one line about the current step. @param {string} text */
export function say(text) {
  process.stderr.write(`trunkline: ${text}\n`)
}

/** Throws for a Node that is too old, before a tool fails with an error that does not name the cause. */
export function checkNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new StepFailure(`Node 20.19 or newer is needed, this is ${version}: see https://nodejs.org`)
}

/** Installs the packages of package-lock.json, unless the last install used the same file. */
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
  const code = await run(turbo('build'), { output: 'if-failed', deadlineMs: 10 * 60_000 })
  if (code !== 0) throw new StepFailure(`the build failed with code ${code}: its last lines above say why`, code)
}

/**
 * Turbo's arguments for some tasks. It runs all of them, and prints the output of failed ones only.
 * @param {readonly string[]} tasks
 */
export function turbo(...tasks) {
  return [bin.turbo, 'run', ...tasks, '--continue', '--output-logs=errors-only', '--log-order=grouped', '--ui=stream']
}

/**
 * Runs one Node program in the root folder and returns its exit code. Passes Ctrl-C to the program, and throws Stopped
 * when the program has ended.
 * @param {readonly string[]} args the arguments of `node`
 * @param {RunOptions} [options]
 * @returns {Promise<number>}
 */
export function run(args, { env, deadlineMs, command = process.execPath, output = 'live', background = false } = {}) {
  return new Promise((resolve, reject) => {
    const silent = {
      TURBO_TELEMETRY_DISABLED: '1',
      NO_UPDATE_NOTIFIER: '1',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', // Node 20 develops, newer ones deploy
    }
    const stdio = output === 'live' ? 'inherit' : 'pipe'
    const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, ...silent, ...env } })
    if (background && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    const printed = collect(child)
    const release = passSignals(child)
    const timer = deadlineMs === undefined ? undefined : setTimeout(() => giveUp(child, args, deadlineMs), deadlineMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (release()) return reject(new Stopped('stopped'))
      if (code !== 0 || output === 'at-end') process.stderr.write(Buffer.concat(printed))
      resolve(code ?? (signal === null ? 1 : 128))
    })
  })
}

/**
 * Returns what one Node program prints. Rejects when it fails or takes longer than ten minutes.
 * @param {readonly string[]} args the arguments of `node`
 * @param {string} [command] another Node
 * @returns {Promise<string>}
 */
export function output(args, command = process.execPath) {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: root, timeout: 10 * 60_000, encoding: 'utf8' }, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(error)
    })
  })
}

/**
 * Runs the steps of a command and exits with their code. After a failure it prints one line and exits with the code of
 * the failed step.
 * @param {() => Promise<number>} steps
 * @param {{ readonly stoppedCode?: number }} [options] the exit code after Ctrl-C. @default 0
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

/** Identifies an install: a hash of the lockfile (git changes its time) and the platform, which selects binaries. */
function installId() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return `${lock} ${process.platform}-${process.arch}\n`
}

/** npm as a program for Node: the one of `npm run`, from npm_execpath, or the one in Node's installation. */
export function npm() {
  const named = process.env.npm_execpath
  if (named !== undefined && basename(named) === 'npm-cli.js') return [named]
  const home = dirname(process.execPath)
  const places = [join(home, 'node_modules/npm/bin/npm-cli.js'), join(home, '../lib/node_modules/npm/bin/npm-cli.js')]
  const found = places.find((place) => existsSync(place))
  if (found === undefined)
    throw new StepFailure('Expected npm in the installation of Node, found none: run this by `npm start` or `npm test`')
  return [found]
}

/**
 * Passes signals that end this process to the child. Returns a function that stops that, and returns whether a signal
 * came. A terminal sends Ctrl-C to the whole process group, so the child has it already; a signal from elsewhere
 * reaches only this process. A signal to npm reaches its shell and not this process, which then has another parent.
 * @param {import('node:child_process').ChildProcess} child
 */
function passSignals(child) {
  let stopping = false
  const parent = process.ppid
  const onInterrupt = () => {
    if (stopping)
      child.kill('SIGKILL') // the second Ctrl-C
    else if (!process.stdin.isTTY) child.kill('SIGTERM') // a second SIGINT could end the child without a clean-up
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
