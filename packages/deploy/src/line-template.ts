import { createRequire } from 'node:module'
import { callbackUrl, siteOrigin, webSocketUrl } from './resources/addresses.ts'
import { alarms } from './resources/alarms.ts'
import { dashboard } from './resources/dashboard.ts'
import { webSocketDomain } from './resources/domain.ts'
import { eventSources } from './resources/events.ts'
import { functionsWithLogs } from './resources/functions.ts'
import { httpDoors } from './resources/http-door.ts'
import { roles } from './resources/roles.ts'
import { sitePage } from './resources/site.ts'
import { tableAndQueues } from './resources/table.ts'
import { websocketApi } from './resources/websocket-api.ts'
import { attribute, isGiven, ref, type Value } from './template/intrinsics.ts'
import { type FunctionName, functionsOf, handlerOf, lineName } from './template/names.ts'
import { doorsOf, type LineTemplateOptions, readSettings, type Settings } from './template/options.ts'
import { withTable } from './template/resolve.ts'
import type { Output, Parameter, Template } from './template/template.ts'

/**
 * The resources of one application as a CloudFormation template: the WebSocket API, one function for each handler of
 * `createLambdaHandlers` with a role of its own (or one for all), the table, two queues, log groups, and alarms and a
 * dashboard unless they are switched off. A pure function: the same options give the same template.
 *
 * The template has the parameters CodeBucket and CodeKey for the zip file of the functions, and optional ones.
 *
 * @throws TypeError for options that are wrong; the message names each
 */
export function lineTemplate(options: LineTemplateOptions): Template {
  const settings = readSettings(options)
  const template = createTemplate(settings)
  return settings.existingTable === undefined ? template : withTable(template, settings.existingTable)
}

function createTemplate(settings: Settings): Template {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `${lineName(settings)}: a line of Trunkline`,
    Parameters: parameters(settings),
    Conditions: conditions(settings),
    Resources: {
      ...tableAndQueues(settings),
      ...websocketApi(settings),
      ...functionsWithLogs(settings),
      ...roles(settings),
      ...eventSources(settings),
      ...httpDoors(settings),
      ...(settings.domain && webSocketDomain(settings, settings.domain)),
      ...(settings.site && sitePage(settings, settings.site)),
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
  const { origins, http, kmsKey, alarms, alarmTopic, functions, reservedConcurrency } = settings
  const optional = (Description: string, Default = ''): Parameter => ({ Type: 'String', Default, Description })
  const concurrency = (name: 'worker' | 'http') =>
    optional(
      `Reserved concurrency of ${name}; it shares that of the account without one`,
      String(reservedConcurrency[name] ?? ''),
    )
  return {
    CodeBucket: { Type: 'String', Description: 'Bucket with the zip file of the functions' },
    CodeKey: { Type: 'String', Description: 'Key of the zip file in the bucket; another key deploys another version' },
    Origins: optional('Origins of the pages that may connect, separated by commas', origins.join(',')),
    RestoreNumber: {
      Type: 'String',
      Default: '0',
      Description: 'Raise it after the table was restored from a backup, so that every older cursor is a gap',
    },
    KmsKey: optional("ARN of the KMS key that encrypts the table and the queues; AWS's own keys without one", kmsKey),
    ...(functions === 'each' && { WorkerConcurrency: concurrency('worker') }),
    ...(alarms && {
      AlarmTopic: optional('ARN of the SNS topic that alarms notify; only shown without one', alarmTopic),
    }),
    ...(http !== false && {
      HttpDoor: {
        ...optional(
          'How clients reach http: by an HTTP API (api), by a function URL (url), or not at all',
          http === true ? '' : http,
        ),
        AllowedValues: ['', ...doorsOf(settings)],
      },
      ...(functions === 'each' && { HttpConcurrency: concurrency('http') }),
    }),
  }
}

function conditions(settings: Settings): Readonly<Record<string, Value>> {
  const doors = doorsOf(settings)
  const door = (name: string) => ({ 'Fn::Equals': [ref('HttpDoor'), name] })
  return {
    HasKmsKey: isGiven('KmsKey'),
    ...(settings.functions === 'each' && { HasWorkerConcurrency: isGiven('WorkerConcurrency') }),
    ...(settings.alarms && { HasAlarmTopic: isGiven('AlarmTopic') }),
    ...(doors.includes('api') && { HasHttpApi: door('api') }),
    ...(doors.includes('url') && { HasHttpUrl: door('url') }),
    ...(settings.http !== false && settings.functions === 'each' && { HasHttpConcurrency: isGiven('HttpConcurrency') }),
  }
}

function outputs(settings: Settings): Readonly<Record<string, Output>> {
  const { domain, site } = settings
  const doors = doorsOf(settings)
  return {
    WebSocketUrl: { Description: 'createConnection({ url: <this> })', Value: webSocketUrl(settings) },
    CallbackUrl: { Description: 'TRUNKLINE_CALLBACK_URL of scripts', Value: callbackUrl(settings) },
    TrunklineVersion: { Description: 'What trunkline doctor compares with its own version', Value: version() },
    TableName: { Description: 'TRUNKLINE_TABLE of scripts', Value: ref('Table') },
    DeadLettersUrl: { Description: 'npx trunkline redrive --queue <this>', Value: ref('DeadLetters') },
    ...(doors.includes('api') && {
      HttpApiUrl: {
        Condition: 'HasHttpApi',
        Description: 'overHttp(<this>)',
        Value: attribute('HttpApi', 'ApiEndpoint'),
      },
    }),
    ...(doors.includes('url') && {
      HttpFunctionUrl: {
        Condition: 'HasHttpUrl',
        Description: 'overHttp(<this>)',
        Value: attribute('HttpUrl', 'FunctionUrl'),
      },
    }),
    ...(domain !== undefined && {
      DomainTarget: {
        Description: `What a CNAME record of ${domain.name} points to`,
        Value: attribute('DomainName', 'RegionalDomainName'),
      },
    }),
    ...(site !== undefined && {
      SiteUrl: { Description: 'The page', Value: siteOrigin(site) },
      SiteBucketName: { Description: 'The bucket for the files of the page', Value: ref('SiteBucket') },
      SiteDistributionId: { Description: 'The CloudFront distribution of the page', Value: ref('SiteDistribution') },
    }),
  }
}

/** The version of this package. All packages of Trunkline have the same one. */
function version(): string {
  const manifest = createRequire(import.meta.url)('@trunkline/deploy/package.json') as { readonly version: string }
  return manifest.version
}
