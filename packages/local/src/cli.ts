#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { dev } from './dev.ts'

const usage = `trunkline dev [folder] [--entry file] [--web folder] [--port 4400] [--data folder] [--env file]

Runs a project's line on this machine: API Gateway, Lambda and DynamoDB in one process, no AWS account.
The folder's trunkline.config.json may say { "entry", "web", "port", "data", "env", "tables" }; options come before it.
"env" names a file for the line's environment: node --env-file <it> your-script.js writes to this line's tables.
"tables" are your own: [{ "name": "cards", "keys": { "board": "S", "id": "S" }, "handler": "cards" }] maps the stream
of a table to what createSourceHandler returned and your entry exports.`

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      entry: { type: 'string' },
      web: { type: 'string' },
      port: { type: 'string' },
      data: { type: 'string' },
      env: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [command, folder = '.'] = positionals
  if (values.help || command === undefined) {
    console.log(usage)
    return command === undefined && !values.help ? 1 : 0
  }
  if (command !== 'dev') throw new Error(`Expected the command dev, got ${command}.`)
  const { entry, web, port, data, env } = values
  const { address, close } = await dev(folder, {
    ...(entry === undefined ? {} : { entry }),
    ...(web === undefined ? {} : { web }),
    ...(port === undefined ? {} : { port: toPort(port) }),
    ...(data === undefined ? {} : { data }),
    ...(env === undefined ? {} : { env }),
    log: (text) => console.log(text),
  })
  console.log(`\n  ready: ${address}\n`)
  await interrupted()
  console.log('stopping')
  await close()
  return 0
}

function toPort(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text)
  throw new Error(`Expected a port from 0 to 65535, got ${text}.`)
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
    process.once('disconnect', () => resolve()) // the parent that started us is gone
  })
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  },
)
