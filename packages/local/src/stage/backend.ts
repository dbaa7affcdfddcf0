import { defined } from '@trunkline/protocol'
import type { Backend } from '@trunkline/server/ports'
import type { Stage } from './stage.ts'

/** The backend of a script on a line. `restore` is its restore number as text. */
export async function createBackend(stage: Omit<Stage, 'backend'>, restore?: string): Promise<Backend> {
  const [{ awsBackend }, { DynamoDBClient }] = await Promise.all([
    import('@trunkline/server/aws'),
    import('../emulators/dynamodb/sdk.ts'),
  ])
  const { table, callbackUrl, functions, queues, clientConfig } = stage
  const { region, profile, endpoint, credentials } = clientConfig('DYNAMODB')
  // the provider of a client with the profile: it refreshes what expires, as the SDK does everywhere else
  const ofProfile = profile === undefined ? undefined : new DynamoDBClient(clientConfig('DYNAMODB')).config.credentials
  return awsBackend({
    table,
    ...(restore !== undefined && { restore: Number(restore) }),
    ...defined({
      callbackUrl,
      region,
      endpoint,
      credentials: (ofProfile as typeof credentials) ?? credentials,
      lambdaEndpoint: clientConfig('LAMBDA').endpoint,
      sqsEndpoint: clientConfig('SQS').endpoint,
      deliverFunction: functions['deliver'] ?? functions['handler'],
      workerFunction: functions['worker'] ?? functions['handler'], // a line of one function
      delayQueueUrl: queues.delay,
    }),
  })
}
