#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { defined } from '@trunkline/protocol'
import { writeDocument } from './asyncapi/write-document.ts'
import { costUsage, runCostCommand } from './cost/command.ts'
import { dev } from './dev/dev.ts'
import { eraseUsage, runEraseCommand } from './erase/command.ts'
import { formatCounts, runRedrive } from './redrive/run-redrive.ts'
import { revokeUsage, runConnectionsCommand, runKickCommand, runRevokeCommand } from './revoke/command.ts'
import { runTemplateCommand, templateUsage } from './template/command.ts'

const usage = `trunkline dev [folder] [--entry file] [--web folder] [--port n] [--data folder] [--env file]
              [--dynamodb url] [--background-runs n]

Runs a project's line on this machine: API Gateway, Lambda and DynamoDB in one process, no AWS account.
The folder's trunkline.config.json may set { "entry", "web", "port", "data", "dynamodb", "env", "tables",
"backgroundRuns", "streamRecords" }. Command-line options override the file.
"env" is a file that receives the line's environment: node --env-file <it> your-script.js writes to this line's tables.
"dynamodb" is the address of another DynamoDB with streams, such as DynamoDB Local at http://localhost:8000.
"tables" are your own: [{ "name": "cards", "keys": { "board": "S", "id": "S" }, "handler": "cards" }] maps the stream
of a table to a handler of createSourceHandler that your entry exports.
"backgroundRuns" is the number of concurrent runs of each background function: long calls and generators, deliveries,
stream batches. Further runs wait; calls do not wait for them. The default is 16.

trunkline asyncapi <entry> [--out file] [--url wss://…] [--title text] [--version text]

Writes an AsyncAPI 3 document of the procedures, channels and schemas that the entry's handlers serve. It runs no
procedure.

trunkline redrive [--queue url] [--dry-run] [--max n]

Replays failed deliveries from the log: invokes the deliver function for each topic and offset in the on-failure queue,
and for each failed check of a presence or of an unconfirmed connection, then deletes the messages that were accepted. Requires TRUNKLINE_DELIVER, a region
and credentials. TRUNKLINE_FAILURES is the default of --queue. Running it again is harmless.

${eraseUsage}

${revokeUsage}

${costUsage}

${templateUsage}`

/** Commands by name. Each resolves to the exit code. */
const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  dev: runDev,
  asyncapi: runAsyncApi,
  redrive: runRedriveCommand,
  erase: runEraseCommand,
  connections: (args) => runConnectionsCommand(args),
  kick: (args) => runKickCommand(args),
  revoke: (args) => runRevokeCommand(args),
  cost: (args) => runCostCommand(args),
  template: (args) => runTemplateCommand(args),
}

async function main([command, ...args]: readonly string[]): Promise<number> {
  if (
    command === undefined ||
    command === '--help' ||
    command === '-h' ||
    args.some((arg) => arg === '--help' || arg === '-h')
  ) {
    console.log(usage)
    return command === undefined ? 1 : 0
  }
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (run === undefined) throw new Error(`Expected the command ${Object.keys(commands).join(' or ')}, got ${command}.`)
  return run(args)
}

async function runAsyncApi(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      url: { type: 'string' },
      title: { type: 'string' },
      version: { type: 'string' },
    },
  })
  const [entry] = positionals
  if (entry === undefined || positionals.length > 1)
    throw new Error(
      `Expected one module that exports your functions, got ${positionals.length}: trunkline asyncapi ./api/lambda.ts.`,
    )
  const text = await writeDocument(entry, values)
  if (values.out === undefined) process.stdout.write(text)
  return 0
}

async function runRedriveCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { queue: { type: 'string' }, 'dry-run': { type: 'boolean' }, max: { type: 'string' } },
  })
  const { queue, max, 'dry-run': dryRun = false } = values
  const most = max === undefined ? undefined : toCount('--max', max)
  const settings = defined({ dryRun, queue: queue || undefined, max: most })
  const counts = await runRedrive(settings, (line) => console.log(line))
  console.log(formatCounts(counts, dryRun))
  return counts.failed > 0 ? 1 : 0
}

function toCount(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Error(`Expected ${option} to be a whole number from 1, got ${text}.`)
}

async function runDev(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      entry: { type: 'string' },
      web: { type: 'string' },
      port: { type: 'string' },
      data: { type: 'string' },
      dynamodb: { type: 'string' },
      env: { type: 'string' },
      'background-runs': { type: 'string' },
    },
  })
  const [folder = '.'] = positionals
  const { entry, web, port, data, dynamodb, env, 'background-runs': backgroundRuns } = values
  const { address, inspector, close } = await dev(folder, {
    ...defined({ entry, web, data, dynamodb, env }),
    ...defined({
      port: port === undefined ? undefined : toPort(port),
      backgroundRuns: backgroundRuns === undefined ? undefined : toCount('--background-runs', backgroundRuns),
    }),
    log: (text) => console.log(text),
  })
  console.log(`\n  ready:     ${address}\n  inspector: ${inspector}\n`)
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
    process.once('disconnect', () => resolve()) // the parent process has exited
  })
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  },
)
