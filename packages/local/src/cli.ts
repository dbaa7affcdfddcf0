#!/usr/bin/env node
import { Console } from 'node:console'
import { setMaxListeners } from 'node:events'
import { runCommandLine } from './cli/run.ts'

// the AWS SDK warns about a version of Node that this package supports
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

// only results are on stdout: audit events, and what the modules of an application print, are on stderr
globalThis.console = new Console(process.stderr, process.stderr)

const interrupted = new AbortController()
setMaxListeners(0, interrupted.signal) // each request to AWS that runs listens
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort(signal)) // a second signal ends the process
process.once('disconnect', () => interrupted.abort('SIGHUP')) // the parent process has exited
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return interrupted.abort('SIGPIPE') // the reader, such as head, has enough: stop orderly
  if (error.code === 'ERR_STREAM_DESTROYED') return // what is written after that
  process.stderr.write(`The output cannot be written: ${error.message}\n`)
  process.exit(1)
})
process.stderr.on('error', () => {}) // nobody reads the notes

const code = await runCommandLine(process.argv.slice(2), { streams: process, interrupted: interrupted.signal })
// what is written to a pipe arrives before the exit
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve))
process.exit(code)
