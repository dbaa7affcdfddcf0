import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import { type LocalLine, startLocalEntry } from '@trunkline/local'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Column } from '../src/columns.ts'
import type { AppRouter } from '../src/server/router.ts'
import { cardsIn, followBoard } from '../src/web/follow-board.ts'

let local: LocalLine<AppRouter>
let table: DynamoDBDocumentClient
beforeAll(async () => {
  local = await startLocalEntry<AppRouter>({
    entry: 'src/server/lambda.ts',
    tables: [{ name: 'cards', keys: { board: 'S', id: 'S' }, handler: 'cards' }],
  })
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '', AWS_REGION: region = '' } = local.environment
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  table = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint, region, credentials }))
}, 60_000)
afterAll(async () => {
  table?.destroy()
  await local?.close()
})

/** A page of a board, without a browser. */
function open(name: string) {
  const { client, connection } = local.connect()
  const board = followBoard(client, name)
  const titles = (column: Column) => cardsIn(board.state.get(), column).map(({ title }) => title)
  const idOf = (title: string) =>
    [...(board.state.get().cards?.values() ?? [])].find((card) => card.title === title)?.id ?? ''
  return { ...board, connection, titles, idOf }
}

const put = (row: object) =>
  table.send(new PutCommand({ TableName: 'cards', Item: { column: 'todo', rank: 1, ...row } }))

test('a row that another program writes is a card on every page', async () => {
  const [ann, bob] = [open('script'), open('script')]
  await put({ board: 'script', id: 'paint', title: 'Order paint' })
  for (const page of [ann, bob]) await expect.poll(() => page.titles('todo')).toEqual(['Order paint'])
})

test('a card is added, moved and removed on one page, and the others follow', async () => {
  const [ann, bob] = [open('people'), open('people')]
  ann.add('Sand the bench')
  await expect.poll(() => bob.titles('todo')).toEqual(['Sand the bench'])
  bob.move(bob.idOf('Sand the bench'), 'done')
  expect(bob.titles('done')).toEqual(['Sand the bench']) // at once, before the table has it
  await expect.poll(() => ann.titles('done')).toEqual(['Sand the bench'])
  ann.remove(ann.idOf('Sand the bench'))
  await expect.poll(() => bob.titles('done')).toEqual([])
})

test('a row that is no card is skipped, and what comes after it is not', async () => {
  const ann = open('bad')
  await put({ board: 'bad', id: 'no-title', title: 5 })
  await put({ board: 'bad', id: 'good', title: 'Good' })
  await expect.poll(() => ann.titles('todo')).toEqual(['Good'])
})

test('moving a card that is gone says so and moves nothing', async () => {
  const ann = open('gone')
  await expect.poll(() => ann.state.get().cards).not.toBeNull()
  ann.move('missing', 'done')
  await expect.poll(() => ann.state.get().problem).toBe('This card is gone.')
  expect(ann.state.get().moves.size).toBe(0)
})
