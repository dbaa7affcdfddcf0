import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { packageTemplate, resourcesOf, statementsOf, type Template } from '../template.ts'
import { commandsByFunction, loadedBy, reachedFrom, type Source, serverSources, textOf } from './reach.ts'

/** The action that IAM asks for, for each command of the AWS SDK. */
const actionOf: Readonly<Record<string, string>> = {
  GetCommand: 'dynamodb:GetItem',
  BatchGetCommand: 'dynamodb:BatchGetItem',
  QueryCommand: 'dynamodb:Query',
  PutCommand: 'dynamodb:PutItem',
  UpdateCommand: 'dynamodb:UpdateItem',
  DeleteCommand: 'dynamodb:DeleteItem',
  DeleteConnectionCommand: 'execute-api:ManageConnections',
  InvokeCommand: 'lambda:InvokeFunction',
  SendMessageCommand: 'sqs:SendMessage',
  'new PostSigner': 'execute-api:ManageConnections', // a post, which passes no client of the SDK
  ScanCommand: 'dynamodb:Scan',
  DescribeTableCommand: 'dynamodb:DescribeTable',
}

/** Actions of an operator's script. No function has them. */
const ofScripts = ['dynamodb:Scan', 'dynamodb:DescribeTable']

const deliverRoots = ['runtime/delivery/deliver.ts', 'runtime/run-queued-jobs.ts'] as const

/** The sources in which each function begins. */
const rootsOf: Readonly<Record<string, readonly Source[]>> = {
  authorizer: ['lambda/authorize/authorizer.ts'],
  websocket: ['lambda/gateway-event.ts'],
  tableStream: ['runtime/delivery/deliver-from-stream.ts', 'runtime/presence/append-from-stream.ts'],
  deliver: deliverRoots,
  delayed: deliverRoots,
  worker: ['runtime/run-worker-job.ts'],
  http: ['lambda/http/on-http-event.ts'],
}
const names = Object.keys(rootsOf)

/** The line's operations that the application's code may call in each function. `authorize` gets no line. */
const calledByApplication: readonly Source[] = ['line/create-line.ts']

const logicalId = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`
const arn = (name: string) => ({ 'Fn::GetAtt': [name, 'Arn'] })
const table = arn('Table')
const sub = (text: string) => ({ 'Fn::Sub': text })
// biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own placeholders
const account = '${AWS::Region}:${AWS::AccountId}:'
const functionArn = (name: string) => sub(`arn:\${AWS::Partition}:lambda:${account}function:trunkline-chat-dev-${name}`)
const connections = sub(`arn:\${AWS::Partition}:execute-api:${account}\${WebsocketsApi}/dev/*/@connections/*`)

let template: Template
beforeAll(async () => {
  template = await packageTemplate()
}, 120_000)

/** A permission as text, so that sets of them can be compared. */
const permission = (action: string, resource: unknown) => `${action} on ${JSON.stringify(resource)}`

/** What the role of a function permits. */
function granted(name: string): ReadonlySet<string> {
  return new Set(
    statementsOf(template, `${logicalId(name)}Role`).flatMap(({ Action, Resource }) =>
      [Action].flat().flatMap((action) => [Resource].flat().map((resource) => permission(action, resource))),
    ),
  )
}

/** What the code of a function can send. */
function sent(name: string): ReadonlySet<string> {
  const application = name === 'authorizer' ? [] : calledByApplication
  const reached = [...reachedFrom([...(rootsOf[name] ?? []), ...application])].map(textOf)
  const has = (pattern: RegExp) => reached.some((text) => pattern.test(text))
  const members = reached.flatMap((text) =>
    [...text.matchAll(/\bstore\s*\??\.\s*(\w+)/g)].map(([, member = '']) => member),
  )
  const commands = commandsByFunction()
  const permissions = new Set<string>()
  for (const member of members)
    for (const command of commands.get(member) ?? []) permissions.add(permission(actionOf[command] ?? command, table))
  if (has(/gateway\.(?:post|disconnect)\(/)) permissions.add(permission('execute-api:ManageConnections', connections))
  for (const started of ['deliver', 'worker'])
    if (has(new RegExp(`\\.invoke\\(\\s*'${started}'`)))
      permissions.add(permission('lambda:InvokeFunction', functionArn(started)))
  if (has(/\binvokeDelayed\??\.?\(/)) permissions.add(permission('sqs:SendMessage', arn('Later')))
  return permissions
}

/** The actions of Lambda itself under a function's role: it logs, reads event sources, and sends failures on. */
function platform(name: string): ReadonlySet<string> {
  const id = `${logicalId(name)}LambdaFunction`
  const of = (type: string, reference: unknown) =>
    [...resourcesOf(template, type).values()].filter(
      ({ Properties }) => JSON.stringify(Properties['FunctionName']) === JSON.stringify(reference),
    )
  const mappings = of('AWS::Lambda::EventSourceMapping', arn(id))
  const configurations = of('AWS::Lambda::EventInvokeConfig', { Ref: id })
  const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) =>
    permission(action, arn(`${logicalId(name)}LogGroup`)),
  )
  const read = mappings.flatMap(({ Properties }) => {
    const source = Properties['EventSourceArn']
    const isStream = JSON.stringify(source).includes('StreamArn')
    const actions = isStream
      ? ['dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:DescribeStream', 'dynamodb:ListStreams']
      : ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']
    return actions.map((action) => permission(action, source))
  })
  const failed = [...mappings, ...configurations].flatMap(({ Properties }) => {
    const destination = z
      .object({ OnFailure: z.object({ Destination: z.unknown() }) })
      .safeParse(Properties['DestinationConfig'])
    return destination.success ? [permission('sqs:SendMessage', destination.data.OnFailure.Destination)] : []
  })
  // Encrypted messages need the key: a function that sends one both actions, one that receives it the first.
  const usesQueues = [...read, ...failed, ...sent(name)].some((each) => each.startsWith('sqs:'))
  const key = ['kms:Decrypt', 'kms:GenerateDataKey'].map((action) => permission(action, { Ref: 'KmsKey' }))
  return new Set([...logs, ...read, ...failed, ...(usesQueues ? key : [])])
}

describe('the commands of the AWS SDK', () => {
  const made = serverSources.flatMap((source) =>
    [...textOf(source).matchAll(/\bnew sdk\.(\w+Command)\b|\b(new PostSigner)\(/g)].map(
      ([, command, signed = '']) => command ?? signed,
    ),
  )

  it('have an action each, and each action has a command', () => {
    expect([...new Set(made)].sort()).toEqual(Object.keys(actionOf).sort())
  })

  it('are made nowhere else: a source that imports the SDK itself only passes its names on', () => {
    const importers = serverSources.filter((source) =>
      /from '@aws-sdk\/|import\('@aws-sdk\//.test(withoutTypes(textOf(source))),
    )
    expect(importers.every((source) => /(?:^|\/|-)sdk\.ts$/.test(source))).toBe(true)
    expect(importers.length).toBeGreaterThan(3)
  })

  it('of the store are found by the members of its ports', () => {
    const commands = commandsByFunction()
    const found = new Set([...commands.values()].flatMap((each) => [...each]))
    for (const command of [
      'GetCommand',
      'BatchGetCommand',
      'QueryCommand',
      'PutCommand',
      'UpdateCommand',
      'DeleteCommand',
    ])
      expect(found).toContain(command)
    expect([...(commands.get('deletePresence') ?? [])]).toContain('DeleteCommand')
    expect([...(commands.get('readShardLease') ?? [])]).toEqual(['GetCommand'])
    expect([...(commands.get('hasReceipts') ?? [])]).toEqual(['BatchGetCommand'])
  })
})

describe('each function', () => {
  it('begins in sources that this test knows', () => {
    // what handles other events than those of sockets is loaded by the first of them
    const entries = ['lambda/handlers.ts', 'lambda/other-events.ts'].flatMap(loadedBy)
    const begins = [...new Set(entries)].filter((source) =>
      /^runtime\/|^lambda\/(authorize|gateway|http\/on)/.test(source),
    )
    const without = [
      'runtime/calls/worker-job.ts',
      'runtime/context/deadline.ts',
      'lambda/authorize/origins.ts',
      'runtime/streams/settle.ts',
    ]
    expect(begins.filter((source) => !without.includes(source)).sort()).toEqual(
      [...new Set(Object.values(rootsOf).flat())].sort(),
    )
  })

  it.each(names)('%s may do what its code and Lambda do in its name, and nothing else', (name) => {
    expect([...granted(name)].sort()).toEqual([...new Set([...sent(name), ...platform(name)])].sort())
  })

  it.each(names)('%s has no right that only a script needs', (name) => {
    const all = [...granted(name), ...sent(name)]
    expect(all.filter((each) => ofScripts.some((action) => each.startsWith(`${action} `)))).toEqual([])
  })

  it('reaches no erasure', () => {
    const roots = [...Object.values(rootsOf).flat(), ...calledByApplication]
    expect([...reachedFrom(roots)].filter((source) => /^(?:runtime\/erasure|erase)\//.test(source))).toEqual([])
  })

  it('authorizer sends nothing', () => {
    expect([...sent('authorizer')]).toEqual([])
  })

  it('starts workers where frames are received, runs go on, and a look at a stream shows that it needs one', () => {
    const starts = names.filter((name) => [...sent(name)].some((each) => each.includes('-worker"')))
    expect(starts).toEqual(['websocket', 'tableStream', 'deliver', 'delayed', 'worker', 'http'])
  })
})

function withoutTypes(text: string): string {
  return text.replaceAll(/^(?:import|export) type [\s\S]*?from '[^']+'$/gm, '')
}
