import { attribute, ref, sub, type Value } from '../template/intrinsics.ts'
import { type Duty, type FunctionName, functionsOf, nameFor } from '../template/names.ts'
import type { Settings } from '../template/options.ts'
import type { Resource, Resources } from '../template/template.ts'

type Right = 'data' | 'many' | 'post' | 'deliver' | 'work' | 'later' | 'readStream' | 'takeLater' | 'bury'

/** Rights on queues. A queue that is encrypted by a key of the account needs the key, too. */
const ofQueues = new Set<Right>(['later', 'takeLater', 'bury'])

/** The rights of each function besides its logs. No resource is `*`. */
const rights: Readonly<Record<Duty, readonly Right[]>> = {
  authorizer: [],
  websocket: ['data', 'many', 'post', 'deliver', 'work', 'later'],
  tableStream: ['readStream', 'data', 'many', 'post', 'deliver', 'work', 'later', 'bury'],
  deliver: ['data', 'post', 'deliver', 'work', 'later', 'bury'],
  delayed: ['data', 'post', 'deliver', 'work', 'later', 'takeLater'],
  worker: ['data', 'post', 'deliver', 'work', 'later', 'bury'],
  http: ['data', 'many', 'post', 'deliver', 'work', 'later'],
}

const executionApi = `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${WebsocketsApi}`
const lambdaFunctions = `arn:\${AWS::Partition}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:`

/** One role for each function, and what the key of the account adds to those that use a queue. */
export function roles(settings: Settings): Resources {
  const all = functionsOf(settings)
  const withQueues = all.filter((each) => rightsOf(each).some((right) => ofQueues.has(right)))
  return {
    ...Object.fromEntries(all.map((each) => [`${each.id}Role`, role(settings, each)])),
    KeyPolicy: {
      Type: 'AWS::IAM::Policy',
      Condition: 'HasKmsKey',
      Properties: {
        ...policy('key', [allow(['kms:Decrypt', 'kms:GenerateDataKey'], ref('KmsKey'))]),
        Roles: withQueues.map(({ id }) => ref(`${id}Role`)),
      },
    },
  }
}

function rightsOf({ duties }: FunctionName): readonly Right[] {
  return [...new Set(duties.flatMap((duty) => rights[duty]))]
}

function role(settings: Settings, declared: FunctionName): Resource {
  const { id } = declared
  const logs = allow(['logs:CreateLogStream', 'logs:PutLogEvents'], attribute(`${id}LogGroup`, 'Arn'))
  const statements = rightsOf(declared).map((right) => statement(settings, right))
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      ...(settings.vpc && {
        ManagedPolicyArns: [sub(`arn:\${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole`)],
      }),
      Policies: [policy('own', [logs, ...statements])],
    },
  }
}

function policy(PolicyName: string, Statement: readonly Value[]): Readonly<Record<string, Value>> {
  return { PolicyName, PolicyDocument: { Version: '2012-10-17', Statement } }
}

function statement(settings: Settings, right: Right): Value {
  switch (right) {
    case 'data':
      return allow(
        ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem'].map((name) => `dynamodb:${name}`),
        attribute('Table', 'Arn'),
      )
    case 'many': // several rows in one request
      return allow('dynamodb:BatchGetItem', attribute('Table', 'Arn'))
    case 'post': // posts to connections of this API and stage, and deletes them
      return allow('execute-api:ManageConnections', sub(`${executionApi}/${settings.stage}/*/@connections/*`))
    case 'deliver': // named, because a role that refers to its own function would be a cycle
      return allow('lambda:InvokeFunction', sub(lambdaFunctions + nameFor(settings, 'deliver')))
    case 'work':
      return allow('lambda:InvokeFunction', sub(lambdaFunctions + nameFor(settings, 'worker')))
    case 'later':
      return allow('sqs:SendMessage', attribute('Later', 'Arn'))
    case 'readStream':
      return allow(
        ['GetRecords', 'GetShardIterator', 'DescribeStream', 'ListStreams'].map((name) => `dynamodb:${name}`),
        attribute('Table', 'StreamArn'),
      )
    case 'takeLater':
      return allow(
        ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'].map((name) => `sqs:${name}`),
        attribute('Later', 'Arn'),
      )
    case 'bury':
      return allow('sqs:SendMessage', attribute('DeadLetters', 'Arn'))
  }
}

function allow(action: string | readonly string[], resource: Value): Value {
  return { Effect: 'Allow', Action: action, Resource: resource }
}
