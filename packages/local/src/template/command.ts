import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs, parseEnv } from 'node:util'
import { type LineTemplateOptions, lineTemplate } from '@trunkline/deploy'
import { bundleHandlers } from '@trunkline/deploy/bundle'
import { defined } from '@trunkline/protocol'
import { nextSteps } from './next-steps.ts'

/** The usage of the command. */
export const templateUsage = `trunkline template --service name [--stage name] [--handler path] [--entry file --bundle file]
                   [--out file] [--one-handler] [--env file] [--memory mb] [--runtime name] [--log-days n]
                   [--no-authorizer] [--no-http] [--http-stream] [--no-alarms] [--no-dashboard]

Writes the AWS resources of an application as a CloudFormation template, to --out or to the output. --bundle writes the
zip file of the functions, from the module --entry that exports your handlers; then --handler is lambda. Without it,
--handler is the path of that module in a zip file of yours, without its extension. --one-handler is for a module that
exports only handler. --http-stream runs your export httpStream behind a function URL. --env is a file of variables for
the functions, as for node --env-file. It calls no AWS service and prints how to deploy what it wrote.`

/** Writes the template, and the bundle if one is asked for. Resolves to the exit code. */
export async function runTemplateCommand(
  args: readonly string[],
  log: (text: string) => void = console.log,
): Promise<number> {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ service: text, stage: text, handler: text, entry: text, bundle: text, out: text, env: text },
      ...{ memory: text, runtime: text, 'log-days': text },
      ...{
        'one-handler': flag,
        'no-authorizer': flag,
        'no-http': flag,
        'http-stream': flag,
        'no-alarms': flag,
        'no-dashboard': flag,
      },
    },
  })
  const { entry, bundle, out } = values
  if ((entry === undefined) !== (bundle === undefined))
    throw new Error('Expected --entry and --bundle together: the module with your handlers, and the zip file to write.')
  const template = lineTemplate(toOptions(values))
  const written = entry === undefined ? undefined : bundleHandlers(entry)
  if (bundle !== undefined && written !== undefined) writeFileSync(bundle, written.zip)
  const json = `${JSON.stringify(template, null, 2)}\n`
  if (out === undefined) log(json.trimEnd())
  else {
    writeFileSync(out, json)
    log(nextSteps({ template: out, name: `${values.service}-${values.stage ?? 'dev'}`, bundle, key: written?.key }))
  }
  return 0
}

interface Values {
  readonly service?: string | undefined
  readonly stage?: string | undefined
  readonly handler?: string | undefined
  readonly bundle?: string | undefined
  readonly env?: string | undefined
  readonly memory?: string | undefined
  readonly runtime?: string | undefined
  readonly 'log-days'?: string | undefined
  readonly 'one-handler'?: boolean | undefined
  readonly 'no-authorizer'?: boolean | undefined
  readonly 'no-http'?: boolean | undefined
  readonly 'http-stream'?: boolean | undefined
  readonly 'no-alarms'?: boolean | undefined
  readonly 'no-dashboard'?: boolean | undefined
}

function toOptions(values: Values): LineTemplateOptions {
  const { service, stage, bundle, env, memory, runtime } = values
  const handler = values.handler ?? (bundle === undefined ? undefined : 'lambda')
  if (service === undefined) throw new Error('Expected --service, the name of your application.')
  if (handler === undefined)
    throw new Error('Expected --handler, the path of the module in your zip file, or --entry and --bundle.')
  return defined({
    service,
    stage,
    handler,
    runtime,
    oneHandler: values['one-handler'],
    environment: env === undefined ? undefined : readVariables(env),
    memoryMb: toNumber('--memory', memory),
    logRetentionDays: toNumber('--log-days', values['log-days']),
    authorizer: values['no-authorizer'] ? false : undefined,
    http: values['no-http'] ? false : undefined,
    httpStream: values['http-stream'],
    alarms: values['no-alarms'] ? false : undefined,
    dashboard: values['no-dashboard'] ? false : undefined,
  })
}

/** Reads a file of variables as Node's `--env-file` does. */
function readVariables(path: string): Readonly<Record<string, string>> {
  const variables = Object.entries(parseEnv(readFileSync(path, 'utf8')))
  return Object.fromEntries(variables.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

function toNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new Error(`Expected ${option} to be a whole number from 1, got ${text}.`)
}
