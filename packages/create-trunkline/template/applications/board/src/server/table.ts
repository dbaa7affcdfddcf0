import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DeleteCommand, DynamoDBDocumentClient, PutCommand, paginateQuery, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import type { Column } from '../columns.ts'
import { type Card, card } from './card.ts'

/** The application’s own table, with the keys `board` and `id`. It knows nothing of Trunkline. */
const TableName = process.env['CARDS_TABLE'] ?? 'cards'
const client = DynamoDBDocumentClient.from(new DynamoDBClient({}))

type Key = { readonly board: string; readonly id: string }

export async function readCards(board: string): Promise<readonly Card[]> {
  const found: Card[] = []
  const query = {
    TableName,
    KeyConditionExpression: 'board = :board',
    ExpressionAttributeValues: { ':board': board },
    ConsistentRead: true,
  }
  for await (const { Items = [] } of paginateQuery({ client }, query))
    found.push(...Items.flatMap((item) => card.safeParse(item).data ?? []))
  return found
}

export async function putCard(key: Key, { title, column, rank }: Omit<Card, 'id'>): Promise<void> {
  await client.send(new PutCommand({ TableName, Item: { ...key, title, column, rank } }))
}

/** Moves a card to the end of a column. Returns false if there is no such card. */
export async function moveCard(key: Key, column: Column): Promise<boolean> {
  const update = new UpdateCommand({
    TableName,
    Key: key,
    UpdateExpression: 'SET #column = :column, #rank = :rank',
    ConditionExpression: 'attribute_exists(id)',
    ExpressionAttributeNames: { '#column': 'column', '#rank': 'rank' },
    ExpressionAttributeValues: { ':column': column, ':rank': Date.now() },
  })
  try {
    await client.send(update)
    return true
  } catch (error) {
    if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false
    throw error
  }
}

export async function removeCard(key: Key): Promise<void> {
  await client.send(new DeleteCommand({ TableName, Key: key }))
}
