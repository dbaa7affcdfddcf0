import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  PutCommand,
  paginateQuery,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb'
import type { Column } from '../columns.ts'
import { type Card, cardRow } from './schemas.ts'

/** The application's own table, with the keys `board` and `id`. It is independent of Trunkline. */
const TableName = process.env['BOARD_TABLE'] ?? 'board-cards'

interface CardKey {
  readonly board: string
  readonly id: string
}

let opened: DynamoDBDocumentClient | undefined

function client(): DynamoDBDocumentClient {
  opened ??= DynamoDBDocumentClient.from(
    new DynamoDBClient({ requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000 } }),
    { marshallOptions: { removeUndefinedValues: true } },
  )
  return opened
}

/** Reads all cards of a board. Invalid rows are skipped, as in the stream's handler. */
export async function readCards(board: string): Promise<readonly Card[]> {
  const cards: Card[] = []
  const query = {
    TableName,
    KeyConditionExpression: '#board = :board',
    ExpressionAttributeNames: { '#board': 'board' },
    ExpressionAttributeValues: { ':board': board },
    ConsistentRead: true,
  }
  for await (const { Items = [] } of paginateQuery({ client: client() }, query))
    for (const item of Items) {
      const row = cardRow.safeParse(item)
      if (!row.success) continue
      const { board: _, ...card } = row.data
      cards.push(card)
    }
  return cards
}

/** Writes a whole card. */
export async function putCard(row: CardKey & Omit<Card, 'id'>): Promise<void> {
  await client().send(new PutCommand({ TableName, Item: row }))
}

/** Moves a card to the end of a column. Returns `absent` when there is no such card. */
export async function moveCard(key: CardKey, to: Column, by: string): Promise<'moved' | 'absent'> {
  const { board, id } = key
  const update: UpdateCommandInput = {
    TableName,
    Key: { board, id },
    UpdateExpression: 'SET #column = :column, #rank = :rank, #by = :by',
    ConditionExpression: 'attribute_exists(id)',
    ExpressionAttributeNames: { '#column': 'column', '#rank': 'rank', '#by': 'by' },
    ExpressionAttributeValues: { ':column': to, ':rank': Date.now(), ':by': by },
  }
  try {
    await client().send(new UpdateCommand(update))
    return 'moved'
  } catch (error) {
    if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return 'absent'
    throw error
  }
}

export async function removeCard({ board, id }: CardKey): Promise<void> {
  await client().send(new DeleteCommand({ TableName, Key: { board, id } }))
}
