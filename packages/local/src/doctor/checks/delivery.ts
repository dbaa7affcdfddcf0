import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { dynamo, request } from '../context/aws.ts'
import { type Check, type CheckContext, defaultDeliveryMs, failed, passed } from '../context/check.ts'

/** No channel has such topics: the name of a channel is escaped in the names of its topics, and `$` would be `%24`. */
const topicPrefix = '$trunkline-doctor?run=s:'

const rowSeconds = 3_600 // a row that could not be deleted expires after an hour
const pollMs = 200

interface Row {
  readonly pk: { readonly S: string }
  readonly sk: { readonly S: string }
}

/**
 * Puts an event of a topic of its own, with one subscriber: a connection that does not exist. The line deletes the
 * subscriber's row when it has read the event from the stream, has posted it, and was answered 410.
 */
const delivery: Check = {
  id: 'filter',
  title: 'an event that is put into the table is delivered within 5 s',
  calls: '`dynamodb:PutItem`, `dynamodb:GetItem` and `dynamodb:DeleteItem` on two rows of a topic of its own',
  cost: 'four writes, about 20 reads, one run of `tableStream`, one post',
  remedy:
    'See the checks event-source-mapping, callback and iam-tableStream, and the logs of tableStream. Then deploy the stack again.',
  needs: ['table', 'stream'],
  timeoutMs: 60_000,
  async run(context) {
    const { deliveryMs = defaultDeliveryMs } = context.settings
    const { event, subscriber } = createRows()
    context.onEnd(() => remove(context, event))
    context.onEnd(() => remove(context, subscriber))
    await put(context, subscriber)
    const began = performance.now()
    await put(context, event)
    while (performance.now() - began < deliveryMs) {
      if (!(await exists(context, subscriber)))
        return passed(
          `The event was read from the stream and posted after ${Math.round(performance.now() - began)} ms; both rows are deleted.`,
        )
      await sleep(pollMs, undefined, { signal: context.signal })
    }
    return failed(
      `The event was not delivered within ${deliveryMs / 1_000} s: the stream's function did not get it, or could not post it.`,
      delivery.remedy,
    )
  },
}

function createRows() {
  const topic = topicPrefix + randomBytes(12).toString('hex')
  const now = Date.now()
  const expires = { N: String(Math.ceil(now / 1_000) + rowSeconds) }
  const event = {
    ...{ pk: { S: `LOG#${topic}` }, sk: { S: '0000000000000001' } },
    ...{ epoch: { S: 'doctor' }, publishId: { S: topic }, time: { N: String(now) }, data: { S: '"doctor"' }, expires },
  }
  const subscriber = {
    ...{ pk: { S: `SUBS#${topic}#0` }, sk: { S: `${unknownConnection()}#"doctor"` } },
    ...{ ref: { N: '1' }, on: { BOOL: true }, path: { S: 'doctor' }, extensions: { BOOL: true }, expires },
  }
  return { event, subscriber }
}

/** An id in the form of a connection's, which no connection has. */
export function unknownConnection(): string {
  return `${randomBytes(11).toString('base64').replaceAll('+', '-').replaceAll('/', '_').slice(0, 15)}=`
}

async function put(context: CheckContext, row: Row): Promise<void> {
  const { sdk, client } = await dynamo(context)
  const command = new sdk.PutItemCommand({
    TableName: context.target.table,
    Item: { ...row },
    ConditionExpression: 'attribute_not_exists(pk)',
  })
  await request('dynamodb:PutItem', () => client.send(command, { abortSignal: context.signal }))
}

const keyOf = ({ pk, sk }: Row) => ({ pk, sk })

async function exists(context: CheckContext, row: Row): Promise<boolean> {
  const { sdk, client } = await dynamo(context)
  const input = { TableName: context.target.table, Key: keyOf(row), ProjectionExpression: 'pk', ConsistentRead: true }
  const { Item } = await request('dynamodb:GetItem', () =>
    client.send(new sdk.GetItemCommand(input), { abortSignal: context.signal }),
  )
  return Item !== undefined
}

async function remove(context: CheckContext, row: Row): Promise<void> {
  const { sdk, client } = await dynamo(context)
  await client.send(new sdk.DeleteItemCommand({ TableName: context.target.table, Key: keyOf(row) }))
}

export const deliveryChecks: readonly Check[] = [delivery]
