import { defined } from '@trunkline/protocol'
import { defineCommand } from '../definition/command.ts'
import { count, file, text } from '../definition/options.ts'

export const devCommand = defineCommand({
  name: 'dev',
  heading: 'Develop',
  summary: "Run a project's line on this machine",
  description: `Runs a project's line on this machine: API Gateway, Lambda and DynamoDB in one process, no AWS account. Other commands find it without options.

The folder's trunkline.config.json may set { "entry", "web", "port", "data", "dynamodb", "env", "tables", "backgroundRuns", "streamRecords" }. Options override the file. "tables" are your own: [{ "name": "cards", "keys": { "board": "S", "id": "S" }, "handler": "cards" }] maps the stream of a table to a handler of createSourceHandler that your entry exports.`,
  args: {
    folder: {
      required: false,
      description: 'The folder of the project (default: the working directory)',
      isFile: true,
    },
  },
  options: {
    entry: file('The module that exports the handlers'),
    web: file('A folder of built pages to serve', 'folder'),
    port: count('The port; without it the first free one from 4400', { least: 0, most: 65_535 }),
    data: file('The folder that keeps rows (default: memory)', 'folder'),
    env: file("A new file for the line's environment while it runs, for node --env-file of scripts"),
    dynamodb: text('url', 'Another DynamoDB with streams, such as DynamoDB Local at http://localhost:8000'),
    backgroundRuns: count(
      'Concurrent runs of each background function: long calls, generators, deliveries, stream batches; further runs wait (default: 16)',
    ),
  },
  examples: [
    ['trunkline dev', 'Run the project of this folder'],
    ['trunkline dev examples/chat --entry src/lambda.ts --data .trunkline', 'Keep rows between runs'],
  ],
  async run({ args: { folder = '.' }, options, io }) {
    const { dev } = await import('../../dev/dev.ts')
    const log = io.isJson ? io.note : io.print
    const { address, url, inspector, close } = await dev(folder, { ...defined(options), log })
    io.result({ address, url, inspector }, `\n  ready:     ${address}\n  inspector: ${inspector}\n`)
    if (!io.interrupted.aborted)
      await new Promise((resolve) => io.interrupted.addEventListener('abort', resolve, { once: true }))
    log('stopping')
    await close()
    return 0
  },
})
