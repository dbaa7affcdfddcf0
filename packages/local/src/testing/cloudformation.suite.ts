import { lineTemplate } from '@trunkline/deploy'
import { vi } from 'vitest'
import { bodyOf, startHttpServer } from './http-server.suite.ts'

/** A stack as CloudFormation describes it. */
export interface FakeStack {
  readonly name: string
  readonly status?: string
  readonly outputs: Readonly<Record<string, string>>
}

/** The physical ids that AWS gives to the resources of a template that commands read. */
const template = lineTemplate({ service: 'shop', stage: 'prod', handler: 'lambda' })
export const queue = (name: string) => `https://sqs.eu-west-1.amazonaws.com/1/shop-${name}`
const physicalIds: Readonly<Record<string, string>> = {
  WebsocketsApi: 'abc123',
  WebsocketsDeploymentStage: 'prod',
  Later: queue('Later'),
  DeadLetters: queue('DeadLetters'),
}
const resources = Object.entries(template.Resources).map(([name, { Type, Properties }]) => {
  const { FunctionName, LogGroupName } = (Properties ?? {}) as Record<string, unknown>
  return { name, type: Type, id: physicalIds[name] ?? String(FunctionName ?? LogGroupName ?? `${name}-id`) }
})
export const outputs = {
  WebSocketUrl: 'wss://abc123.execute-api.eu-west-1.amazonaws.com/prod',
  TableName: 'shop-Table-1',
}
export const shop: FakeStack = { name: 'shop-prod', outputs: { ...outputs, DeadLettersUrl: queue('DeadLetters') } }

/** CloudFormation's query API with pages of one stack and of 20 resources. */
export async function startCloudFormation(stacks: readonly FakeStack[]) {
  const server = await startHttpServer(async (request, response) => {
    const [status, text] = answer(stacks, new URLSearchParams(await bodyOf(request)))
    response.writeHead(status, { 'content-type': 'text/xml' }).end(text)
  })
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDFORMATION', server.url)
  return server
}

function answer(stacks: readonly FakeStack[], asked: URLSearchParams): readonly [number, string] {
  const name = asked.get('StackName')
  const page = Number(asked.get('NextToken') ?? 0)
  const found = stacks.filter((each) => name === null || each.name === name)
  if (found.length === 0 && name !== null)
    return failure(400, 'ValidationError', `Stack with id ${name} does not exist`)
  if (name === 'forbidden-prod') return failure(403, 'AccessDenied', 'User is not authorized')
  if (asked.get('Action') === 'DescribeStacks')
    return success(
      'DescribeStacks',
      `<Stacks>${found
        .slice(page, page + 1)
        .map(toStack)
        .join('')}</Stacks>`,
      {
        next: found.length > page + 1 ? page + 1 : undefined,
      },
    )
  const members = resources
    .slice(page, page + 20)
    .map(
      ({ name: logical, type, id }) =>
        `<member><LogicalResourceId>${logical}</LogicalResourceId><PhysicalResourceId>${id}</PhysicalResourceId><ResourceType>${type}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp></member>`,
    )
  return success('ListStackResources', `<StackResourceSummaries>${members.join('')}</StackResourceSummaries>`, {
    next: resources.length > page + 20 ? page + 20 : undefined,
  })
}

function toStack({ name, status = 'UPDATE_COMPLETE', outputs }: FakeStack): string {
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  )
  return `<member><StackName>${name}</StackName><StackStatus>${status}</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>${members.join('')}</Outputs></member>`
}

function success(action: string, result: string, { next }: { readonly next: number | undefined }) {
  const token = next === undefined ? '' : `<NextToken>${next}</NextToken>`
  const inner = `<${action}Result>${result}${token}</${action}Result>`
  return [
    200,
    `<${action}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">${inner}</${action}Response>`,
  ] as const
}

function failure(status: number, code: string, message: string) {
  return [
    status,
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  ] as const
}
