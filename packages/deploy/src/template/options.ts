import * as z from 'zod'

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
   * Whether that module exports only `handler`, which serves the events of all functions, in place of one export for
   * each function. @default false
   */
  readonly oneHandler?: boolean
  /** Environment variables of every function, besides those that Trunkline reads. */
  readonly environment?: Readonly<Record<string, string>>
  /** Lambda's runtime. @default 'nodejs24.x' */
  readonly runtime?: string
  /** Memory of each function, in MB, from 128 to 10,240. @default 512 */
  readonly memoryMb?: number
  /** How long logs are kept, in days; a value that CloudWatch Logs accepts. @default 14 */
  readonly logRetentionDays?: number
  /** Whether the module exports an `authorizer`, because `authorize` is given. @default true */
  readonly authorizer?: boolean
  /** The function `http`, with parameters for an HTTP API or a function URL. @default true */
  readonly http?: boolean
  /**
   * Whether the function `http` runs `httpStream`, which streams events to readers for up to 55 s. It then answers
   * function URLs only: set the parameter HttpDoor to `url`. @default false
   */
  readonly httpStream?: boolean
  /** Alarms on each number of the operations guide. @default true */
  readonly alarms?: boolean
  /** A CloudWatch dashboard. @default true */
  readonly dashboard?: boolean
  /** What the stages of the APIs accept of all clients together, in requests a second. @default { rate: 1000, burst: 500 } */
  readonly throttle?: { readonly rate: number; readonly burst: number }
  /** Subnets and security groups of the functions. They need a way to DynamoDB, SQS, Lambda and API Gateway from there. */
  readonly vpc?: { readonly subnetIds: readonly string[]; readonly securityGroupIds: readonly string[] }
}

/** The options with their defaults. */
export type Settings = Required<Omit<LineTemplateOptions, 'vpc'>> & Pick<LineTemplateOptions, 'vpc'>

/** Values that CloudWatch Logs accepts: its API reference, PutRetentionPolicy. */
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]

const schema = z.strictObject({
  service: z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,29}$/, 'Expected 1 to 30 letters, digits and hyphens'),
  stage: z.string().regex(/^[A-Za-z0-9-]{1,20}$/, 'Expected 1 to 20 letters, digits and hyphens'),
  handler: z.string().regex(/^[\w./-]*[\w-]$/, 'Expected the path of a module in the package, without its extension'),
  oneHandler: z.boolean(),
  environment: z.record(
    z.string().regex(/^(?!TRUNKLINE_|AWS_)[A-Za-z]\w*$/, 'Expected a name that neither Trunkline nor AWS uses'),
    z.string(),
  ),
  runtime: z.string().regex(/^nodejs\d+\.x$/, 'Expected a runtime like nodejs24.x'),
  memoryMb: z.int().min(128).max(10_240),
  logRetentionDays: z.literal(retentionDays),
  authorizer: z.boolean(),
  http: z.boolean(),
  httpStream: z.boolean(),
  alarms: z.boolean(),
  dashboard: z.boolean(),
  throttle: z.strictObject({ rate: z.number().positive(), burst: z.int().positive() }),
  vpc: z
    .strictObject({ subnetIds: z.array(z.string()).min(1), securityGroupIds: z.array(z.string()).min(1) })
    .optional(),
})

const defaults = {
  stage: 'dev',
  oneHandler: false,
  environment: {},
  runtime: 'nodejs24.x',
  memoryMb: 512,
  logRetentionDays: 14,
  authorizer: true,
  http: true,
  httpStream: false,
  alarms: true,
  dashboard: true,
  throttle: { rate: 1_000, burst: 500 },
}

/** Applies the defaults. Throws a TypeError that names each option that is wrong, what was expected and what came. */
export function readSettings(options: LineTemplateOptions): Settings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const { success, data, error } = schema.safeParse({ ...defaults, ...given })
  if (success) return data as Settings
  const problems = error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`)
  throw new TypeError(`The options of lineTemplate are wrong. ${problems.join('. ')}.`)
}
