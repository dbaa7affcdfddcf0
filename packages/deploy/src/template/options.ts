// More than 200 lines: the docstrings of the options are their reference.
import * as z from 'zod'
import type { Value } from './intrinsics.ts'

/** What `lineTemplate` needs to know about an application. */
export interface LineTemplateOptions {
  /** The name of the application: 1 to 30 letters, digits and hyphens, beginning with a letter. */
  readonly service: string
  /** The name of the stage, and the path of the WebSocket API's address: 1 to 20 letters, digits, hyphens. @default 'dev' */
  readonly stage?: string
  /**
   * The module in the code package that exports what `createLambdaHandlers` returns, without its extension:
   * `dist/lambda` for `dist/lambda.mjs`.
   */
  readonly handler: string
  /**
   * `each`: a function for each handler, with the rights and the timeout that it needs. `one`: a single function that
   * runs the export `handler` for all events, with the rights of all. @default 'each'
   */
  readonly functions?: 'each' | 'one'
  /**
   * Whether that module exports only `handler`, which serves the events of all functions, in place of one export for
   * each function. @default false
   */
  readonly oneHandler?: boolean
  /**
   * The timeout of the one function of `functions: 'one'`, in seconds from 30 to 900. A long call may take as long. A
   * delayed check that failed is repeated after six times as long. @default 60
   */
  readonly timeoutSeconds?: number
  /** Environment variables of every function, besides those that Trunkline reads: texts, or references to resources. */
  readonly environment?: Readonly<Record<string, Value>>
  /** Lambda's runtime. @default 'nodejs24.x' */
  readonly runtime?: string
  /** Memory of each function, in MB, from 128 to 10,240. @default 512 */
  readonly memoryMb?: number
  /** How long logs are kept, in days; a value that CloudWatch Logs accepts. @default 14 */
  readonly logRetentionDays?: number
  /** Whether the module exports an `authorizer`, because `authorize` is given. @default true */
  readonly authorizer?: boolean
  /**
   * The origins of the pages that may connect, such as `https://shop.example` or `https://*.shop.example`. The default
   * of the parameter Origins. @default []
   */
  readonly origins?: readonly string[]
  /**
   * The function `http`. `true`: the parameter HttpDoor says how clients reach it, and by default they do not. `api`: by
   * an HTTP API. `url`: by a function URL. With either, the template does not have the other, and the parameter may be
   * empty. `false`: no function. GovCloud has no function URLs, and its templates none either. @default true
   */
  readonly http?: boolean | 'api' | 'url'
  /**
   * Whether the function `http` runs `httpStream`, which streams events to readers for up to 55 s. It then answers
   * function URLs only: set `http` or the parameter HttpDoor to `url`. @default false
   */
  readonly httpStream?: boolean
  /** Alarms on each number of the operations guide. @default true */
  readonly alarms?: boolean
  /** ARN of the SNS topic that alarms notify. The default of the parameter AlarmTopic. @default none */
  readonly alarmTopic?: string
  /** A CloudWatch dashboard. @default true */
  readonly dashboard?: boolean
  /** What the stages of the APIs accept of all clients together, in requests a second. @default { rate: 1000, burst: 500 } */
  readonly throttle?: { readonly rate: number; readonly burst: number }
  /**
   * Executions that are reserved for a function, and its limit, by the function's name, such as `{ worker: 50 }`. Those
   * of `worker` and `http` are the defaults of the parameters WorkerConcurrency and HttpConcurrency. @default none
   */
  readonly reservedConcurrency?: Readonly<Partial<Record<FunctionNames, number>>>
  /**
   * ARN of the KMS key that encrypts the table and the queues. The default of the parameter KmsKey. @default AWS's keys
   */
  readonly kmsKey?: string
  /** Whether the table stays when the stack is deleted. @default true */
  readonly retainTable?: boolean
  /**
   * A table that exists, in place of one of the stack, such as one that was restored from a backup. It has the keys, the
   * TTL and the stream of the one in the template. @default none
   */
  readonly existingTable?: ExistingTable
  /** Subnets and security groups of the functions. They need a way to DynamoDB, SQS, Lambda and API Gateway from there. */
  readonly vpc?: { readonly subnetIds: readonly Value[]; readonly securityGroupIds: readonly Value[] }
  /** A domain of your own for the WebSocket API. @default none */
  readonly domain?: LineDomain
  /** A bucket and a CloudFront distribution for a page, which the line then lets connect. @default false */
  readonly site?: boolean | LineSite
}

/** The names of a line's functions. */
export type FunctionNames =
  | 'authorizer'
  | 'websocket'
  | 'tableStream'
  | 'deliver'
  | 'delayed'
  | 'worker'
  | 'http'
  | 'handler'

/** A DynamoDB table that is not of the stack. */
export interface ExistingTable {
  readonly name: string
  readonly arn: Value
  /** The ARN of its stream, which has both images. */
  readonly streamArn: Value
}

/** A domain of the WebSocket API. It cannot have an HTTP API too. */
export interface LineDomain {
  /** The host, such as `live.shop.example`. */
  readonly name: string
  /** ARN of its certificate in ACM, in the region of the line. */
  readonly certificateArn: Value
  /** Id of the Route 53 zone that gets its record. Without it, you point the host to the output DomainTarget. @default none */
  readonly hostedZoneId?: Value
  /** The path of the line on the host, without slashes. @default none, the whole host */
  readonly path?: string
  /**
   * Whether the address of API Gateway itself answers no longer. The functions then post to connections through the
   * domain, so its record must exist before the first client. @default false
   */
  readonly disableDefaultEndpoint?: boolean
}

/** A page that is served from a private bucket by CloudFront, with the addresses of the line in `/line.json`. */
export interface LineSite {
  /** A host of the page's own. Its certificate is in us-east-1. @default the name that CloudFront gives */
  readonly domain?: { readonly name: string; readonly certificateArn: Value; readonly hostedZoneId?: Value }
  /** Addresses besides the line that the page may send requests to, such as that of an issuer of tokens. @default [] */
  readonly connectTo?: readonly string[]
  /** The Content-Security-Policy in place of the one that Trunkline makes. */
  readonly contentSecurityPolicy?: string
}

/** The options with their defaults. */
export type Settings = Required<Omit<LineTemplateOptions, 'vpc' | 'domain' | 'site' | 'existingTable'>> &
  Pick<LineTemplateOptions, 'vpc' | 'domain' | 'existingTable'> & { readonly site: LineSite | undefined }

/** The ways to the function `http` that the parameter HttpDoor may name. */
export function doorsOf({ http, httpStream }: Settings): readonly ('api' | 'url')[] {
  if (http === false) return []
  if (http !== true) return [http]
  return httpStream ? ['url'] : ['api', 'url'] // an HTTP API does not stream
}

/** Values that CloudWatch Logs accepts: its API reference, PutRetentionPolicy. */
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

/** An intrinsic function such as `{ Ref: 'Certificate' }`. */
const reference = z.record(z.string(), z.unknown())
const value = z.union([z.string().min(1), reference], 'Expected a text or a reference')
/** An ARN. A token of the CDK is a text with `${`. */
const arn = z.string().regex(/^$|^arn:|\$\{/, 'Expected an ARN')
const keyArn = z.string().regex(/^$|^arn:.*:key\/|\$\{/, 'Expected an ARN of a key, not of an alias')
const hostName = z
  .string()
  .regex(
    /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/,
    'Expected a host such as live.shop.example',
  )
const origin = z
  .string()
  .refine(isOrigin, 'Expected an origin as browsers send it, such as https://shop.example or https://*.shop.example')
/** An address. The page uses its origin. */
const address = z
  .string()
  .refine(
    (text) => /^(?:https?|wss?):\/\/[^\s,;]+$/.test(text) && URL.canParse(text),
    'Expected an address such as https://id.example',
  )
/** Empty texts are left out, as a variable that is not set gives them. */
const origins = z.array(z.union([z.literal(''), origin])).transform((all) => all.filter((each) => each !== ''))
const concurrency = z.int().min(1, 'Expected at least 1: a function with 0 never runs').max(1_000_000)
/** The metrics of the alarms have the two names of Powertools. */
const variableName =
  /^(?!TRUNKLINE_|AWS_|Ref$|LAMBDA_(?:TASK_ROOT|RUNTIME_DIR)$|POWERTOOLS_(?:METRICS_NAMESPACE|SERVICE_NAME)$)[A-Za-z]\w+$/
const names = ['authorizer', 'websocket', 'tableStream', 'deliver', 'delayed', 'worker', 'http', 'handler'] as const

const schema = z
  .strictObject({
    service: z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,29}$/, 'Expected 1 to 30 letters, digits and hyphens'),
    stage: z.string().regex(/^[A-Za-z0-9-]{1,20}$/, 'Expected 1 to 20 letters, digits and hyphens'),
    handler: z.string().regex(/^[\w./-]*[\w-]$/, 'Expected the path of a module in the package, without its extension'),
    functions: z.enum(['each', 'one']),
    oneHandler: z.boolean(),
    timeoutSeconds: z.int().min(30).max(900),
    environment: z.record(
      z
        .string()
        .regex(
          variableName,
          'Expected a name of at least two letters, digits and _ that neither Trunkline nor AWS uses',
        ),
      z.union([z.string(), reference], 'Expected a text or a reference'),
    ),
    runtime: z.string().regex(/^nodejs\d+\.x$/, 'Expected a runtime like nodejs24.x'),
    memoryMb: z.int().min(128).max(10_240),
    logRetentionDays: z.literal(retentionDays),
    authorizer: z.boolean(),
    origins,
    http: z.union([z.boolean(), z.enum(['api', 'url'])], "Expected true, false, 'api' or 'url'"),
    httpStream: z.boolean(),
    alarms: z.boolean(),
    alarmTopic: arn,
    dashboard: z.boolean(),
    throttle: z.strictObject({ rate: z.number().positive(), burst: z.int().positive() }),
    reservedConcurrency: z.partialRecord(z.enum(names), concurrency),
    kmsKey: keyArn,
    retainTable: z.boolean(),
    existingTable: z.strictObject({ name: z.string().min(1), arn: value, streamArn: value }).optional(),
    vpc: z.strictObject({ subnetIds: z.array(value).min(1), securityGroupIds: z.array(value).min(1) }).optional(),
    domain: z
      .strictObject({
        name: hostName,
        certificateArn: value,
        hostedZoneId: value.optional(),
        path: z
          .string()
          .regex(/^[\w.~-]{1,300}$/, 'Expected a path without slashes')
          .optional(),
        disableDefaultEndpoint: z.boolean().optional(),
      })
      .optional(),
    site: z
      .strictObject({
        domain: z.strictObject({ name: hostName, certificateArn: value, hostedZoneId: value.optional() }).optional(),
        connectTo: z
          .array(z.union([z.literal(''), address]))
          .transform(toOrigins)
          .optional(),
        contentSecurityPolicy: z.string().min(1).optional(),
      })
      .optional(),
  })
  .superRefine(checkTogether)

/** Whether the functions accept an origin; with another one, they would not start. A token of the CDK is a text with `${`. */
function isOrigin(text: string): boolean {
  const [scheme, host = ''] = text.split('://')
  if (!/^https?$/i.test(scheme ?? '') || host.includes('${'))
    return /^(?!null$|(?:about|blob|data|file|ftp|javascript|mailto|wss?):)[a-z][a-z0-9+.-]*:\/\/[^\s,/*]+$/.test(text)
  const page = text.replace('*', 'any-label')
  const isPattern = text.includes('*')
  if (isPattern && !/^(?:[^*@:]+\.)?\*(?:\.[^.*@:]+){2,}(?::\d+)?$/.test(host)) return false
  return URL.canParse(page) && new URL(page).origin === page
}

function toOrigins(addresses: readonly string[]): readonly string[] {
  return addresses.filter((each) => each !== '').map((each) => new URL(each).origin)
}

/** What options must not be together. */
function checkTogether(options: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void {
  const { functions, http, httpStream, reservedConcurrency } = options
  const fail = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message })
  if (functions === 'one' && httpStream === true)
    fail('httpStream', "Expected functions to be 'each': a function that streams its responses serves nothing else")
  if (httpStream === true && http === 'api') fail('http', "Expected 'url' with httpStream: an HTTP API does not stream")
  if (httpStream === true && http === false) fail('httpStream', 'Expected http not to be false')
  const { domain, site } = options as Partial<Pick<Settings, 'domain' | 'site'>>
  if (domain !== undefined && domain.name === site?.domain?.name)
    fail('site', `Expected another host for the page than ${domain.name}, which the WebSocket API has`)
  const certificate = site?.domain?.certificateArn
  if (typeof certificate === 'string' && /^arn:[^:]*:acm:(?!us-east-1:)[\w-]+:/.test(certificate))
    fail('site', 'Expected the certificate of the page to be in us-east-1, as CloudFront demands')
  const reserved = Object.keys(reservedConcurrency as object)
  const has = (name: string) => (functions === 'one' ? name === 'handler' : name !== 'handler')
  for (const name of reserved.filter((each) => !has(each) || options[each] === false))
    fail('reservedConcurrency', `Expected a function of these options; ${name} is none`)
}

const defaults = {
  stage: 'dev',
  functions: 'each',
  oneHandler: false,
  timeoutSeconds: 60,
  environment: {},
  runtime: 'nodejs24.x',
  memoryMb: 512,
  logRetentionDays: 14,
  authorizer: true,
  origins: [],
  http: true,
  httpStream: false,
  alarms: true,
  alarmTopic: '',
  dashboard: true,
  throttle: { rate: 1_000, burst: 500 },
  reservedConcurrency: {},
  kmsKey: '',
  retainTable: true,
}

/** Applies the defaults. Throws a TypeError that names each option that is wrong, what was expected and what came. */
export function readSettings(options: LineTemplateOptions): Settings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const site = options.site === true ? {} : options.site === false ? undefined : options.site
  const { success, data, error } = schema.safeParse({ ...defaults, ...given, site }, { reportInput: true })
  if (success) return { ...data, site: data.site } as Settings
  const problems = error.issues.map((issue) => `${issue.path.join('.') || 'options'}: ${describe(issue)}`)
  throw new TypeError(`The options of lineTemplate are wrong. ${problems.join('. ')}.`)
}

/** What is wrong with a value, and the value where it is a short text or a number. */
function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join('. ')
  const { message, input } = issue
  const isShown = (typeof input === 'string' && input.length <= 100) || typeof input === 'number'
  return isShown && !message.includes('received') ? `${message}, got ${JSON.stringify(input)}` : message
}
