import { createRequire } from 'node:module'
import { alarms } from './resources/alarms.ts'
import { dashboard } from './resources/dashboard.ts'
import { eventSources } from './resources/events.ts'
import { functionsWithLogs } from './resources/functions.ts'
import { httpDoors } from './resources/http-door.ts'
import { roles } from './resources/roles.ts'
import { tableAndQueues } from './resources/table.ts'
import { websocketApi } from './resources/websocket-api.ts'
import { attribute, isGiven, ref, sub, type Value } from './template/intrinsics.ts'
import { type FunctionName, functionsOf, handlerOf, lineName } from './template/names.ts'
import { type LineTemplateOptions, readSettings, type Settings } from './template/options.ts'
import type { Output, Parameter, Template } from './template/template.ts'

/**
 * The resources of one application as a CloudFormation template: the WebSocket API, one function for each handler of
 * `createLambdaHandlers` with a role of its own, the table, two queues, log groups, and alarms and a dashboard unless
 * they are switched off. A pure function: the same options give the same template.
 *
 * The template has the parameters CodeBucket and CodeKey for the zip file of the functions, and optional ones.
 *
 * @throws TypeError for options that are wrong; the message names each
 */
export function lineTemplate(options: LineTemplateOptions): Template {
  const settings = readSettings(options)
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `${lineName(settings)}: a line of Trunkline`,
    Parameters: parameters(settings),
    Conditions: conditions(settings),
    Resources: {
      ...tableAndQueues(),
      ...websocketApi(settings),
      ...functionsWithLogs(settings),
      ...roles(settings),
      ...eventSources(),
      ...(settings.http ? httpDoors(settings) : {}),
      ...(settings.alarms ? alarms(settings) : {}),
      ...(settings.dashboard ? dashboard(settings) : {}),
    },
    Outputs: outputs(settings),
  }
}

/**
 * The functions of a line by their short names, as a tool that bundles them needs them.
 *
 * @throws TypeError for options that are wrong; the message names each
 */
export function lineFunctions(options: LineTemplateOptions): Readonly<Record<string, LineFunction>> {
  const settings = readSettings(options)
  return Object.fromEntries(functionsOf(settings).map((each) => [each.name, toFunction(settings, each)]))
}

/** How a function is bundled. */
export interface LineFunction {
  /** The module and its export: `src/lambda.websocket`. */
  readonly handler: string
  readonly runtime: string
  readonly architecture: 'arm64'
  readonly memorySize: number
}

function toFunction(settings: Settings, declared: FunctionName): LineFunction {
  return {
    handler: handlerOf(settings, declared),
    runtime: settings.runtime,
    architecture: 'arm64',
    memorySize: settings.memoryMb,
  }
}

function parameters(settings: Settings): Readonly<Record<string, Parameter>> {
  const optional = (Description: string): Parameter => ({ Type: 'String', Default: '', Description })
  return {
    CodeBucket: { Type: 'String', Description: 'Bucket with the zip file of the functions' },
    CodeKey: { Type: 'String', Description: 'Key of the zip file in the bucket; another key deploys another version' },
    Origins: optional('Origins of the pages that may connect, separated by commas'),
    RestoreNumber: {
      Type: 'String',
      Default: '0',
      Description: 'Raise it after the table was restored from a backup, so that every older cursor is a gap',
    },
    KmsKey: optional("ARN of the KMS key that encrypts the table and the queues; AWS's own keys without one"),
    WorkerConcurrency: optional('Reserved concurrency of worker; it shares that of the account without one'),
    ...(settings.alarms && { AlarmTopic: optional('ARN of the SNS topic that alarms notify; only shown without one') }),
    ...(settings.http && {
      HttpDoor: {
        ...optional('How clients reach http: by an HTTP API (api), by a function URL (url), or not at all'),
        AllowedValues: settings.httpStream ? ['', 'url'] : ['', 'api', 'url'], // an HTTP API does not stream
      },
      HttpConcurrency: optional('Reserved concurrency of http; it shares that of the account without one'),
    }),
  }
}

function conditions(settings: Settings): Readonly<Record<string, Value>> {
  const door = (name: string) => ({ 'Fn::Equals': [ref('HttpDoor'), name] })
  return {
    HasKmsKey: isGiven('KmsKey'),
    HasWorkerConcurrency: isGiven('WorkerConcurrency'),
    ...(settings.alarms && { HasAlarmTopic: isGiven('AlarmTopic') }),
    ...(settings.http && {
      ...(!settings.httpStream && { HasHttpApi: door('api') }),
      HasHttpUrl: door('url'),
      HasHttpConcurrency: isGiven('HttpConcurrency'),
    }),
  }
}

function outputs({ stage, http, httpStream }: Settings): Readonly<Record<string, Output>> {
  return {
    WebSocketUrl: {
      Description: 'createConnection({ url: <this> })',
      Value: sub(`wss://\${WebsocketsApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/${stage}`),
    },
    TrunklineVersion: { Description: 'What trunkline doctor compares with its own version', Value: version() },
    TableName: { Description: 'TRUNKLINE_TABLE of scripts', Value: ref('Table') },
    DeadLettersUrl: { Description: 'npx trunkline redrive --queue <this>', Value: ref('DeadLetters') },
    ...(http &&
      !httpStream && {
        HttpApiUrl: {
          Condition: 'HasHttpApi',
          Description: 'overHttp(<this>)',
          Value: attribute('HttpApi', 'ApiEndpoint'),
        },
      }),
    ...(http && {
      HttpFunctionUrl: {
        Condition: 'HasHttpUrl',
        Description: 'overHttp(<this>)',
        Value: attribute('HttpUrl', 'FunctionUrl'),
      },
    }),
  }
}

/** The version of this package. All packages of Trunkline have the same one. */
function version(): string {
  const manifest = createRequire(import.meta.url)('@trunkline/deploy/package.json') as { readonly version: string }
  return manifest.version
}
