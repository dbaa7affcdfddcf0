import { BatchWriteItemCommand, type DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'

const batchSize = 25 // of one BatchWriteItem request

/**
 * Puts copies of the first row under a prefix of `pk`, with other sort keys and perhaps another `pk`: faster than to
 * make each by a frame. The counts of a connection are not copied.
 */
export async function copyItem(
  client: DynamoDBClient,
  {
    table,
    prefix,
    sortKeys,
    pk: to,
  }: { readonly table: string; readonly prefix: string; readonly sortKeys: readonly string[]; readonly pk?: string },
): Promise<void> {
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table }))
  const item = Items.find(({ pk, sk }) => pk?.S?.startsWith(prefix) && sk?.S !== '#' && sk?.S !== 'COUNTS')
  if (item === undefined) throw new Error(`Expected an item under ${prefix} in the table, found none. Make one first.`)
  for (let at = 0; at < sortKeys.length; at += batchSize) {
    const requests = sortKeys
      .slice(at, at + batchSize)
      .map((sk) => ({ PutRequest: { Item: { ...item, ...(to !== undefined && { pk: { S: to } }), sk: { S: sk } } } }))
    await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }))
  }
}
