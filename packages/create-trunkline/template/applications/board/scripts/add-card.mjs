/**
 * Writes a card with AWS credentials alone: `node --env-file=.trunkline/local.env scripts/add-card.mjs "Order paint"`.
 * Every open page shows it.
 */
import { randomUUID } from 'node:crypto'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'

const [title, board = 'main'] = process.argv.slice(2)
if (title === undefined) throw new Error('Expected the title of a card: scripts/add-card.mjs "Order paint" [board]')
const client = DynamoDBDocumentClient.from(new DynamoDBClient({}))
const Item = { board, id: randomUUID(), title, column: 'todo', rank: Date.now() }
await client.send(new PutCommand({ TableName: process.env.CARDS_TABLE ?? 'cards', Item }))
console.log(`added to the board ${board}`)
