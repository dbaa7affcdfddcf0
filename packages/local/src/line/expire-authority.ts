import type { InspectedLine } from '../inspector/local/inspected-line.ts'
import { credentials, type Emulators, region } from './line-environment.ts'

/** Returns a function that sets when the authority in rows of the line's table ends. Rows that are gone stay absent. */
export function createAuthExpSetter({
  dynamo,
  table,
}: Pick<Emulators, 'dynamo' | 'table'>): InspectedLine['setAuthExp'] {
  return async (keys, authExp) => {
    const sdk = await import('../emulators/dynamodb/sdk.ts')
    const client = new sdk.DynamoDBClient({ endpoint: dynamo.endpoint, region, credentials })
    const update = (pk: string, sk: string) =>
      new sdk.UpdateItemCommand({
        TableName: table,
        Key: { pk: { S: pk }, sk: { S: sk } },
        UpdateExpression: 'SET authExp = :end',
        ConditionExpression: 'attribute_exists(authExp)',
        ExpressionAttributeValues: { ':end': { N: String(authExp) } },
      })
    try {
      for (const { pk, sk } of keys)
        await client.send(update(pk, sk)).catch((error: unknown) => {
          if (!(error instanceof sdk.ConditionalCheckFailedException)) throw error
        })
    } finally {
      client.destroy()
    }
  }
}
