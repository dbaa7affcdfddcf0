import { defined } from '@trunkline/protocol'
import { createBackend } from './backend.ts'
import type { AwsService, ClientConfig, Environment, Stage } from './stage.ts'

/** The region of every local line. */
const localRegion = 'local-1'
const functionNames = ['authorizer', 'websocket', 'tableStream', 'deliver', 'delayed', 'worker', 'http'] as const

/**
 * The line that an environment describes by the variables of a script: TRUNKLINE_TABLE, TRUNKLINE_CALLBACK_URL,
 * TRUNKLINE_DELIVER, TRUNKLINE_WORKER, TRUNKLINE_DELAY_QUEUE_URL, TRUNKLINE_FAILURES, and those of the AWS SDK. Its
 * log groups are those of functions with the name of `deliver`.
 */
export function environmentStage(
  { region: given, profile }: { readonly region?: string | undefined; readonly profile?: string | undefined },
  env: Environment,
): Stage {
  const read = (name: string) => env[`TRUNKLINE_${name}`] || undefined
  const failures = read('FAILURES')
  const region = given ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? regionOf(failures)
  const callbackUrl = read('CALLBACK_URL')
  const isLocal = region === localRegion
  const deliver = read('DELIVER')
  const named = defined({ deliver, worker: read('WORKER') })
  const functions = isLocal ? { ...localFunctions(), ...named } : { ...deployedFunctions(deliver), ...named }
  const stage: Omit<Stage, 'backend'> = {
    name: isLocal && callbackUrl !== undefined ? callbackUrl : (read('TABLE') ?? ''),
    kind: isLocal ? 'local' : 'aws',
    table: read('TABLE') ?? '',
    functions,
    queues: defined({ delay: read('DELAY_QUEUE_URL'), failures }),
    logGroups: isLocal ? {} : toLogGroups(functions),
    outputs: {},
    resources: {},
    clientConfig: clientConfigOf(env, defined({ region, profile })),
    ...defined({
      region,
      callbackUrl,
      webSocketUrl: read('URL') ?? callbackUrl?.replace(/^http/, 'ws'),
      httpUrl: isLocal ? callbackUrl : undefined,
      inspectorUrl: isLocal && callbackUrl ? new URL('/_inspector', callbackUrl).href : undefined,
    }),
  }
  return {
    ...stage,
    async backend() {
      if (stage.table === '') throw new Error('Expected the name of the table: set TRUNKLINE_TABLE.')
      return createBackend(stage, read('RESTORE'))
    },
  }
}

/** The log groups that Lambda and the template give to functions. */
export function toLogGroups(functions: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(functions).map(([name, deployed]) => [name, `/aws/lambda/${deployed}`]))
}

function localFunctions(): Readonly<Record<string, string>> {
  return Object.fromEntries(functionNames.map((name) => [name, name]))
}

/** The functions' names, from the name of `deliver` where it is that of the template: `<service>-<stage>-deliver`. */
function deployedFunctions(deliver: string | undefined): Readonly<Record<string, string>> {
  const [, line] = /^(.+)-deliver$/.exec(deliver ?? '') ?? []
  if (line !== undefined) return Object.fromEntries(functionNames.map((name) => [name, `${line}-${name}`]))
  return {}
}

/** In the process's own environment the SDK reads endpoints and credentials itself; in another one they are given. */
function clientConfigOf(env: Environment, common: ClientConfig): (service: AwsService) => ClientConfig {
  if (env === process.env) return () => common
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env
  const credentials = accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined
  return (service) => ({
    ...common,
    ...defined({ credentials, endpoint: env[`AWS_ENDPOINT_URL_${service}`] ?? env['AWS_ENDPOINT_URL'] }),
  })
}

function regionOf(queue: string | undefined): string | undefined {
  return /^https:\/\/sqs\.([a-z0-9-]+)\./.exec(queue ?? '')?.[1]
}
