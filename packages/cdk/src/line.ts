// More than 200 lines: the docstrings of the properties are their reference.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type FunctionNames,
  type LineSite,
  type LineTemplateOptions,
  lineTemplate,
  resolveParameters,
} from '@trunkline/deploy'
import { bundleHandlers } from '@trunkline/deploy/bundle'
import { ArnFormat, CfnOutput, Names, Stack, Token } from 'aws-cdk-lib'
import { Distribution } from 'aws-cdk-lib/aws-cloudfront'
import { type ITable, Table } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable, type IPrincipal, Role } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Code, type IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { BucketDeployment, CacheControl, Source } from 'aws-cdk-lib/aws-s3-deployment'
import { Construct } from 'constructs'
import { keyActions, RolesPrincipal, setVariables, tableActions } from './grants.ts'
import { TemplateResources } from './template-resources.ts'

/** A page, and the folder with its files. */
export interface LineSiteProps extends LineSite {
  /** The folder with the built page. Its files are copied into the bucket by each deployment. @default no files */
  readonly folder?: string
}

/** The options of `lineTemplate`, and the code of the functions: either `entry`, or `code` and `handler`. */
export interface LineProps extends Omit<LineTemplateOptions, 'service' | 'handler' | 'site'> {
  /** The name of the application: 1 to 30 letters, digits and hyphens. @default a name made of the construct's path */
  readonly service?: string
  /** Path of the module that exports your handlers, TypeScript or JavaScript. It is bundled as `trunkline template` does. */
  readonly entry?: string
  /** The code package of the functions, in place of `entry`. */
  readonly code?: Code
  /** The module in `code` that exports your handlers, without its extension, such as `dist/lambda`. */
  readonly handler?: string
  /** Raise it after the table was restored from a backup, so that every older cursor is a gap. @default 0 */
  readonly restoreNumber?: number
  /** A bucket and a CloudFront distribution for a page, which the line then lets connect. @default false */
  readonly site?: boolean | LineSiteProps
  /**
   * Whether resources and outputs have the logical ids of the template. `trunkline --stack` finds a line by them, and a
   * stack that was deployed as a template or by osls keeps its resources. Only one line of a stack can. @default true
   */
  readonly templateIds?: boolean
}

/**
 * A line: the WebSocket API, its functions, the table and the queues. The resources are those of `lineTemplate` with the
 * same options, property by property. As a grantable it is the roles of all functions: `bucket.grantRead(line)`.
 */
export class Line extends Construct implements IGrantable {
  /** The address for clients: `url` of `createConnection`. */
  readonly webSocketUrl: string
  /** Where functions post to connections: TRUNKLINE_CALLBACK_URL of a script. */
  readonly callbackUrl: string
  /** The address for `overHttp`, where `http` is `api` or `url`. */
  readonly httpUrl: string | undefined
  /** The origin of the page, with `site`. */
  readonly siteUrl: string | undefined
  /** The id of the WebSocket API. */
  readonly apiId: string
  /** The table of the line. It has a stream. */
  readonly table: ITable
  /** The functions by their names. */
  readonly functions: Readonly<Partial<Record<FunctionNames, IFunction>>>
  /** The roles of all functions. */
  readonly grantPrincipal: IPrincipal
  readonly #resources: TemplateResources
  readonly #variables: Readonly<Record<string, unknown>>
  readonly #stage: string

  /** @throws TypeError for properties that are wrong; the message names each */
  constructor(scope: Construct, id: string, props: LineProps) {
    super(scope, id)
    const { entry, code, handler, restoreNumber = 0, site, templateIds = true, ...options } = props
    const source = toSource(entry, code, handler)
    const template = lineTemplate({
      ...options,
      service: options.service ?? Names.uniqueResourceName(this, { maxLength: 30, separator: '-' }),
      handler: source.handler,
      ...(site !== undefined && { site: toLineSite(site) }),
    })
    const { s3Location } = source.code.bind(this)
    if (s3Location === undefined)
      throw new TypeError('Expected code in S3, as Code.fromAsset gives it; got other code.')
    const resolved = resolveParameters(template, {
      CodeBucket: s3Location.bucketName,
      CodeKey: s3Location.objectKey,
      RestoreNumber: String(restoreNumber),
      ...reservedNumbers(options),
    })
    if (templateIds) claimIds(this)
    this.#resources = new TemplateResources(this, resolved, templateIds)
    this.#stage = options.stage ?? 'dev'
    const named = this.#resources.namesOf('AWS::Lambda::Function')
    for (const name of named) source.code.bindToResource(this.#resources.get(name), { resourceProperty: 'Code' })
    this.#variables = variablesOf(resolved.Resources[named[0] ?? '']?.Properties['Environment'])
    const outputs = Object.entries(resolved.Outputs).map(([name, { Value, Description }]) => {
      const value = this.#resources.toText(Value)
      const output = new CfnOutput(this, `${name}Output`, { value, description: Description })
      if (templateIds) output.overrideLogicalId(name)
      return [name, value] as const
    })
    const output = new Map(outputs)
    this.webSocketUrl = output.get('WebSocketUrl') ?? ''
    this.callbackUrl = output.get('CallbackUrl') ?? ''
    this.httpUrl = output.get('HttpApiUrl') ?? output.get('HttpFunctionUrl')
    this.siteUrl = output.get('SiteUrl')
    this.apiId = this.#resources.get('WebsocketsApi').ref
    this.table = this.#importTable(options)
    this.functions = Object.fromEntries(named.map((name) => this.#importFunction(name)))
    this.grantPrincipal = new RolesPrincipal(Object.values(this.functions).map(({ grantPrincipal }) => grantPrincipal))
    if (typeof site === 'object' && site.folder !== undefined) this.#deployFiles(site.folder)
  }

  /**
   * Lets other code publish and read events: the table, and the function that delivers. A function of the stack gets the
   * variables that `line.channel(…).publish` needs.
   */
  grantPublish(grantee: IGrantable): Grant {
    const deliver = this.functions.deliver ?? this.functions.handler
    setVariables(grantee, { ...this.#pick('TRUNKLINE_TABLE', 'TRUNKLINE_RESTORE', 'TRUNKLINE_DELIVER') })
    const table = this.table.grant(grantee, ...tableActions)
    const others = [this.table.encryptionKey?.grant(grantee, ...keyActions), deliver?.grantInvoke(grantee)]
    return others.reduce((all: Grant, each) => (each === undefined ? all : all.combine(each)), table)
  }

  /** Lets other code publish, and post to connections and close them, as `line.kick` does. */
  grantManageConnections(grantee: IGrantable): Grant {
    setVariables(grantee, this.#pick('TRUNKLINE_CALLBACK_URL'))
    const resource = `${this.apiId}/${this.#stage}/*/@connections/*`
    const connections = Stack.of(this).formatArn({
      service: 'execute-api',
      resource,
      arnFormat: ArnFormat.NO_RESOURCE_NAME,
    })
    const actions = ['execute-api:ManageConnections']
    const posts = Grant.addToPrincipal({ grantee, actions, resourceArns: [connections] })
    return this.grantPublish(grantee).combine(posts)
  }

  #variable(name: string): string {
    return this.#resources.toText(this.#variables[name])
  }

  #pick(...names: readonly string[]): Readonly<Record<string, string>> {
    return Object.fromEntries(names.map((name) => [name, this.#variable(name)]))
  }

  #importTable({ kmsKey, existingTable }: Pick<LineProps, 'kmsKey' | 'existingTable'>): ITable {
    const attribute = (name: 'Arn' | 'StreamArn') => this.#resources.get('Table').getAtt(name).toString()
    return Table.fromTableAttributes(this, 'ImportedTable', {
      tableArn: existingTable === undefined ? attribute('Arn') : Token.asString(existingTable.arn),
      tableStreamArn: existingTable === undefined ? attribute('StreamArn') : Token.asString(existingTable.streamArn),
      ...(kmsKey !== undefined && { encryptionKey: Key.fromKeyArn(this, 'ImportedKey', kmsKey) }),
    })
  }

  #importFunction(resource: string): readonly [string, IFunction] {
    const id = resource.replace('LambdaFunction', '')
    const role = Role.fromRoleName(this, `Imported${id}Role`, this.#resources.get(`${id}Role`).ref)
    const imported = LambdaFunction.fromFunctionAttributes(this, `Imported${id}Function`, {
      functionArn: this.#resources.get(resource).getAtt('Arn').toString(),
      role,
      sameEnvironment: true,
    })
    return [`${id.charAt(0).toLowerCase()}${id.slice(1)}`, imported]
  }

  #deployFiles(folder: string): void {
    const name = this.#resources.get('SiteBucket').ref
    const distribution = this.#resources.get('SiteDistribution')
    new BucketDeployment(this, 'SiteFiles', {
      sources: [Source.asset(folder)],
      destinationBucket: Bucket.fromBucketName(this, 'ImportedSiteBucket', name),
      distribution: Distribution.fromDistributionAttributes(this, 'ImportedSiteDistribution', {
        distributionId: distribution.ref,
        domainName: distribution.getAtt('DomainName').toString(),
      }),
      cacheControl: [CacheControl.noCache()], // a browser asks whether a file has changed
      prune: false, // pages that are open may load files of the build before
    })
  }
}

const claimed = new WeakMap<Stack, Line>()

/** Only one line of a stack has the logical ids of the template. */
function claimIds(line: Line): void {
  const stack = Stack.of(line)
  const other = claimed.get(stack)
  if (other !== undefined)
    throw new TypeError(
      `Expected templateIds to be false for all lines of the stack ${stack.stackName} but one; ${other.node.path} and ${line.node.path} have the ids of the template.`,
    )
  claimed.set(stack, line)
}

/** The code of the functions, and the module in it. */
function toSource(entry: string | undefined, code: Code | undefined, handler: string | undefined) {
  if (entry !== undefined && code === undefined && handler === undefined)
    return { code: bundle(entry), handler: 'lambda' }
  if (entry === undefined && code !== undefined && handler !== undefined) return { code, handler }
  const given = Object.entries({ entry, code, handler }).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  throw new TypeError(
    `Expected entry alone, or code and handler together; got ${given.join(' and ') || 'none of them'}. entry is the path of the module with your handlers.`,
  )
}

function bundle(entry: string): Code {
  const path = join(mkdtempSync(join(tmpdir(), 'trunkline-cdk-')), 'functions.zip')
  writeFileSync(path, bundleHandlers(entry).zip)
  return Code.fromAsset(path)
}

/** Reserved concurrency as numbers; as the defaults of parameters they are texts. */
function reservedNumbers({ functions, reservedConcurrency: { worker, http } = {} }: Omit<LineProps, 'site'>) {
  if (functions === 'one') return {}
  return {
    ...(worker !== undefined && { WorkerConcurrency: worker }),
    ...(http !== undefined && { HttpConcurrency: http }),
  }
}

function toLineSite(site: boolean | LineSiteProps): boolean | LineSite {
  if (typeof site === 'boolean') return site
  const { folder, ...options } = site
  return options
}

function variablesOf(environment: unknown): Readonly<Record<string, unknown>> {
  return (environment as { readonly Variables: Readonly<Record<string, unknown>> }).Variables
}
