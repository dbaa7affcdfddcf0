import { readFileSync, writeFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { LineTemplateOptions } from '@trunkline/deploy'
import { defined } from '@trunkline/protocol'
import { UsageError } from '../../stage/usage-error.ts'
import { defineCommand } from '../definition/command.ts'
import { count, file, flag, text } from '../definition/options.ts'

export const templateCommand = defineCommand({
  name: 'template',
  heading: 'Describe an application',
  summary: 'Write the CloudFormation template of an application',
  description:
    'Writes the AWS resources of an application as a CloudFormation template, to --out or to the output, and prints how to deploy what it wrote. --bundle writes the zip file of the functions, from the module --entry that exports your handlers; then --handler is lambda. Without it, --handler is the path of that module in a zip file of yours, without its extension. --options is a JSON file with more options of lineTemplate, such as a domain or a page; options of the command line come before them. It calls no AWS service.',
  options: {
    service: text('name', 'The name of your application'),
    stage: text('name', 'The stage (default: dev)'),
    handler: text('path', 'The module in your zip file, without its extension'),
    entry: file('The module that exports your handlers, for --bundle'),
    bundle: file('The zip file of the functions to write'),
    out: file('The template to write (default: the output)'),
    env: file('Variables for the functions, as for node --env-file'),
    options: file('A JSON file with options of lineTemplate'),
    origins: text('list', 'Origins of the pages that may connect, separated by commas'),
    oneFunction: flag('One function in place of seven, which runs your export handler'),
    oneHandler: flag('For a module that exports only handler'),
    memory: count('Memory of the functions in MB (default: 512)', { most: 999_999 }),
    runtime: text('name', "Lambda's runtime (default: nodejs24.x)"),
    logDays: count('Days that logs are kept (default: 14)', { most: 999_999 }),
    noAuthorizer: flag('Without the function that authorizes connections'),
    noHttp: flag('Without the function for clients over HTTP'),
    httpStream: flag('Run your export httpStream behind a function URL'),
    noAlarms: flag('Without alarms'),
    noDashboard: flag('Without a dashboard'),
  },
  examples: [
    ['trunkline template --service shop --entry src/lambda.ts --bundle shop.zip --out shop.json', 'Write both files'],
    ['trunkline template --service shop --stage prod --handler dist/lambda', 'Print a template for your own zip file'],
    ['trunkline template --service shop --handler lambda --one-function --no-alarms', 'The smallest deployment'],
  ],
  async run({ options, io }) {
    const { entry, bundle, out, env } = options
    if ((entry === undefined) !== (bundle === undefined))
      throw new UsageError(
        'Expected --entry and --bundle together: the module with your handlers, and the zip file to write.',
      )
    const more = options.options === undefined ? {} : readOptions(options.options)
    const handler = options.handler ?? (bundle === undefined ? more.handler : 'lambda')
    const service = options.service ?? more.service
    const stage = options.stage ?? more.stage
    if (service === undefined) throw new UsageError('Expected --service, the name of your application.')
    if (handler === undefined)
      throw new UsageError('Expected --handler, the path of the module in your zip file, or --entry and --bundle.')
    const [{ lineTemplate }, { bundleHandlers }, { nextSteps }] = await Promise.all([
      import('@trunkline/deploy'),
      import('@trunkline/deploy/bundle'),
      import('../../template/next-steps.ts'),
    ])
    const template = lineTemplate({
      ...more,
      service,
      handler,
      ...defined({
        stage,
        runtime: options.runtime,
        origins: options.origins?.split(',').map((origin) => origin.trim()),
        functions: options.oneFunction ? ('one' as const) : undefined,
        oneHandler: options.oneHandler,
        environment: env === undefined ? undefined : readVariables(env),
        memoryMb: options.memory,
        logRetentionDays: options.logDays,
        authorizer: options.noAuthorizer ? false : undefined,
        http: options.noHttp ? false : undefined,
        httpStream: options.httpStream,
        alarms: options.noAlarms ? false : undefined,
        dashboard: options.noDashboard ? false : undefined,
      }),
    })
    const written = entry === undefined ? undefined : bundleHandlers(entry)
    if (bundle !== undefined && written !== undefined) writeFileSync(bundle, written.zip)
    const json = JSON.stringify(template, null, 2)
    if (out === undefined) io.print(json)
    else {
      writeFileSync(out, `${json}\n`)
      const name = `${service}-${stage ?? 'dev'}`
      io.result(
        defined({ template: out, bundle, key: written?.key, stack: name }),
        nextSteps({ path: out, name, bundle, key: written?.key, template }),
      )
    }
    return 0
  },
})

/** Reads a file of variables as Node's `--env-file` does. */
function readVariables(path: string): Readonly<Record<string, string>> {
  const variables = Object.entries(parseEnv(readFileSync(path, 'utf8')))
  return Object.fromEntries(variables.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

/** Options of `lineTemplate`, which checks them. */
function readOptions(path: string): Partial<LineTemplateOptions> {
  const text = readFileSync(path, 'utf8')
  try {
    const read: unknown = JSON.parse(text)
    if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read
  } catch {} // the same error for what is no JSON
  throw new UsageError(`Expected ${path} to have a JSON object with options of lineTemplate, got ${text.slice(0, 40)}.`)
}
