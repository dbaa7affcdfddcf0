#!/usr/bin/env node
import { runCommandLine } from './cli/run.ts'

// this package supports the Node of which the AWS SDK warns
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort(signal)) // a second signal ends the process
process.once('disconnect', () => interrupted.abort('SIGHUP')) // the parent process has exited
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0) // the reader of a pipe, such as head, has enough
  throw error
})

const code = await runCommandLine(process.argv.slice(2), { streams: process, interrupted: interrupted.signal })
await new Promise((resolve) => process.stdout.write('', resolve)) // what is written to a pipe arrives before the exit
process.exit(code)
