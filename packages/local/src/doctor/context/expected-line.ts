import { lineTemplate } from '@trunkline/deploy'
import type { DoctorTarget } from './target.ts'

type Functions = Pick<DoctorTarget, 'functions'> & Partial<Pick<DoctorTarget, 'resources'>>
type Properties = Readonly<Record<string, unknown>>

/** What a deployed role must allow: one action, and the ARN on which a simulation asks for it. */
export interface ExpectedRight {
  readonly action: string
  readonly resource: string
}

/** ARNs and ids of a deployed line, for the resources of the template. */
export interface DeployedNames {
  readonly partition: string
  readonly region: string
  readonly account: string
  readonly tableArn: string
  readonly streamArn: string
  readonly apiId: string
  readonly stage: string
  readonly delayQueueArn: string
  readonly failuresQueueArn: string
  readonly functions: Readonly<Record<string, string>>
}

/** What no stage is called, so that the template's names can be replaced by the deployed ones. */
const marker = { service: 'service', stage: 'stage' }

/**
 * The template that this version of the command deploys for a line with the functions of the target. The checks of
 * settings compare with it, so that they need no list of their own.
 */
export function expectedTemplate(target: Functions) {
  return lineTemplate({
    ...marker,
    handler: 'lambda',
    ...(hasOneFunction(target)
      ? { functions: 'one' as const, authorizer: target.resources?.['AuthorizerWebsocketsAuthorizer'] !== undefined }
      : {
          authorizer: target.functions['authorizer'] !== undefined,
          http: target.functions['http'] !== undefined,
        }),
  })
}

/** Whether one function, `handler`, does all that a line does. */
export function hasOneFunction({ functions }: Functions): boolean {
  return functions['websocket'] === undefined && functions['handler'] !== undefined
}

/** The short name of the function that does this. */
function functionFor(target: Functions, name: FunctionName): string {
  return hasOneFunction(target) ? 'handler' : name
}

/** The deployed name of the function that does this. */
export function deployedName(target: Functions, name: FunctionName): string | undefined {
  return target.functions[functionFor(target, name)]
}

/** The functions of the line by their short names, without others of the application in the same stack. */
export function lineFunctions(target: Functions): readonly (readonly [name: string, deployed: string])[] {
  const names: readonly string[] = hasOneFunction(target) ? ['handler'] : functionNames
  return Object.entries(target.functions).filter(([name]) => names.includes(name))
}

/** The properties of a resource of the template. Throws for a resource that it does not have. */
export function expectedProperties(target: Functions, id: string): Properties {
  const found = expectedTemplate(target).Resources[id]
  if (found === undefined) throw new Error(`The template has no resource ${id}.`)
  return found.Properties as Properties
}

/** The logical id of a function's resources: `TableStream` for `tableStream`. */
export function logicalId(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}

/** The short names of all functions that a line can have. */
export const functionNames = ['authorizer', 'websocket', 'tableStream', 'deliver', 'delayed', 'worker', 'http'] as const
export type FunctionName = (typeof functionNames)[number]

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

/** The rights of a function's role in the template, on the deployed resources. */
export function expectedRights(
  target: Functions,
  name: FunctionName,
  deployed: DeployedNames,
): readonly ExpectedRight[] {
  const policies = expectedProperties(target, `${logicalId(functionFor(target, name))}Role`)['Policies'] as readonly {
    readonly PolicyName?: string
    readonly PolicyDocument?: { readonly Statement: readonly Statement[] }
  }[]
  const policy = policies.find(({ PolicyName }) => PolicyName === 'own')
  return (policy?.PolicyDocument?.Statement ?? []).flatMap(({ Action, Resource }) =>
    [Action].flat().map((action) => ({ action, resource: resolveArn(Resource, deployed) })),
  )
}

/** The ARN of a resource in a statement. A pattern becomes one ARN that matches it. */
function resolveArn(value: unknown, deployed: DeployedNames): string {
  const { 'Fn::GetAtt': attribute, 'Fn::Sub': text } = value as {
    readonly 'Fn::GetAtt'?: readonly [string, string]
    readonly 'Fn::Sub'?: string
  }
  if (attribute !== undefined) return attributeArn(attribute.join('.'), deployed)
  if (text === undefined) throw new Error(`Expected an ARN of the template, got ${JSON.stringify(value)}.`)
  const { partition, region, account, apiId, stage } = deployed
  const values: Readonly<Record<string, string>> = {
    'AWS::Partition': partition,
    'AWS::Region': region,
    'AWS::AccountId': account,
    WebsocketsApi: apiId,
  }
  const arn = text.replaceAll(/\$\{([^}]+)\}/g, (whole, name: string) => values[name] ?? whole)
  const [, started] = new RegExp(`:function:${marker.service}-${marker.stage}-(\\w+)$`).exec(arn) ?? []
  if (started !== undefined) return `${arn.slice(0, arn.lastIndexOf(':') + 1)}${deployed.functions[started] ?? started}`
  return arn.replace(`/${marker.stage}/*/@connections/*`, `/${stage}/POST/@connections/doctor`)
}

function attributeArn(attribute: string, deployed: DeployedNames): string {
  const { partition, region, account, functions } = deployed
  const arns: Readonly<Record<string, string>> = {
    'Table.Arn': deployed.tableArn,
    'Table.StreamArn': deployed.streamArn,
    'Later.Arn': deployed.delayQueueArn,
    'DeadLetters.Arn': deployed.failuresQueueArn,
  }
  const known = arns[attribute]
  if (known !== undefined) return known
  const name = [...functionNames, 'handler'].find((each) => attribute === `${logicalId(each)}LogGroup.Arn`)
  if (name === undefined) throw new Error(`The template has no attribute ${attribute} that a role may use.`)
  return `arn:${partition}:logs:${region}:${account}:log-group:/aws/lambda/${functions[name]}:log-stream:doctor`
}

/** A route of the WebSocket API in the template. */
export interface ExpectedRoute {
  readonly key: string
  readonly isTwoWay: boolean
  readonly isMock: boolean
  readonly isAuthorized: boolean
}

/** The routes of the WebSocket API in the template. */
export function expectedRoutes(target: Functions): readonly ExpectedRoute[] {
  const routes = Object.entries(expectedTemplate(target).Resources).filter(
    ([id, { Type }]) => Type === 'AWS::ApiGatewayV2::Route' && id.endsWith('WebsocketsRoute'),
  )
  return routes.map(([, { Properties }]) => ({
    key: String(Properties['RouteKey']),
    isTwoWay: Properties['RouteResponseSelectionExpression'] === '$default',
    isMock: JSON.stringify(Properties['Target']).includes('Ping'),
    isAuthorized: Properties['AuthorizationType'] === 'CUSTOM',
  }))
}
