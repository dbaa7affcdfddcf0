import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-6'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFailedMessage } from '../packages/local/src/redrive/failed-message.ts'
import { type Exchange, openTable, proxy } from '../packages/server/src/dynamodb/endpoint.suite.ts'
import { createDynamoStore } from '../packages/server/src/dynamodb/index.ts'
import type { Store } from '../packages/server/src/ports/store.ts'
import type { Subscriber } from '../packages/server/src/ports/subscribers.ts'
import type { ConnectionSubscription } from '../packages/server/src/ports/subscriptions.ts'
import { storeSuite } from '../packages/server/src/ports/testing/index.ts'
import { subscriber } from '../packages/server/src/ports/testing/rows.ts'
import { dynamoTicketStore } from '../packages/server/src/tickets/dynamo-ticket-store.ts'
import { repository } from './repository.ts'

const read = (path: string) => readFileSync(join(repository, path), 'utf8')
const document = read('docs/design/table.md')
const protocol = read('packages/protocol/PROTOCOL.md')

/** Names of attributes, each with its DynamoDB types; members of a map are `map.member`. */
type Attributes = Map<string, ReadonlySet<string>>
type AttributeValue = Readonly<Record<string, unknown>>
type Item = Readonly<Record<string, AttributeValue>>

/** The rows of the tables below a heading, each as its cells. */
function rowsUnder(text: string, heading: string): readonly (readonly string[])[] {
  const level = heading.split(' ')[0]?.length
  const section = text.split(`\n${heading}\n`)[1]?.split(new RegExp(`^#{1,${level}} `, 'm'))[0]
  if (section === undefined) throw new Error(`Expected a heading "${heading}", found none.`)
  return [...section.matchAll(/^\| (.+) \|$/gm)].map(([, row = '']) => row.split(' | '))
}

const namesIn = (cell: string) =>
  [...cell.matchAll(/`([\w:.<> ]+)`/g)].map(([, name = '']) => name.replace(/\.?<[^>]*>/, ''))

/** The kind of a row: the prefix of its partition key, and that of its sort key if it has one. */
function kindOf(pk: string, sk: string): string {
  return `${pk.split('#')[0]} ${/^(#|SUB#|M#|S#|I#|A#|COUNTS)/.exec(sk)?.[0] ?? ''}`.trim()
}

/** DynamoDB's types, by the words of the document. */
function typesOf(words: string): ReadonlySet<string> {
  const types: Readonly<Record<string, string>> = {
    number: 'N',
    ms: 'N',
    s: 'N',
    boolean: 'BOOL',
    true: 'BOOL',
    map: 'M',
    null: 'NULL',
  }
  return new Set(words.split(' or ').map((word) => types[word] ?? 'S'))
}

/** The attributes that the document lists, by the kind of row. */
function documented(): ReadonlyMap<string, Attributes> {
  const kinds = rowsUnder(document, '## Rows').flatMap(([row = '', pk = '', sk = '']) => {
    const [, name = '', target = ''] = /^\[(.+)\]\((.+)\)$/.exec(row) ?? []
    if (name === '') return []
    const kind = kindOf(pk.replaceAll('`', ''), sk.replaceAll('`', ''))
    return [[kind, target.startsWith('#') ? attributesOf(name) : eventAttributes()] as const]
  })
  return new Map(kinds)
}

function attributesOf(name: string): Attributes {
  const heading = `### ${name.charAt(0).toUpperCase()}${name.slice(1)}`
  const found: Attributes = new Map()
  for (const [attributes = '', types = ''] of rowsUnder(document, heading))
    for (const attribute of namesIn(attributes)) found.set(attribute, typesOf(types))
  return found
}

function eventAttributes(): Attributes {
  const rows = rowsUnder(protocol, '## The event row').filter(([name = '']) => !/^`[ps]k`$|^attribute$|^-+$/.test(name))
  return new Map(rows.map(([name = '', type = '']) => [namesIn(name)[0] ?? '', new Set([type])]))
}

/** Records what a store writes: after each write, the row is read, before a later write can remove an attribute. */
class WrittenRows {
  readonly attributes = new Map<string, Attributes>()

  readonly handle = async (exchange: Exchange): Promise<void> => {
    const { status, body } = await exchange.forward()
    if (/^(Put|Update)Item$/.test(exchange.operation) && status === 200) await this.#record(exchange)
    exchange.answer(status, body)
  }

  async #record(exchange: Exchange): Promise<void> {
    const { TableName, Item, Key = { pk: Item?.pk, sk: Item?.sk } } = JSON.parse(exchange.body)
    const { body } = await exchange.forward(JSON.stringify({ TableName, Key, ConsistentRead: true }), 'GetItem')
    const item: Item | undefined = JSON.parse(body).Item
    if (item !== undefined) this.#add(item)
  }

  #add({ pk, sk, ...item }: Item): void {
    const kind = kindOf(String(pk?.['S']), String(sk?.['S']))
    const attributes: Attributes = this.attributes.get(kind) ?? new Map()
    this.attributes.set(kind, attributes)
    for (const [name, type] of Object.entries(item).flatMap(typedNames))
      attributes.set(name, new Set([...(attributes.get(name) ?? []), type]))
  }
}

/** An attribute and the members of its maps, each with its DynamoDB type. */
function typedNames([key, value]: readonly [string, AttributeValue]): readonly (readonly [string, string])[] {
  const name = key.replace(/:.*$/, ':')
  const [type = ''] = Object.keys(value)
  const members = membersOf(name, value).map(([member, of]) => [`${name}.${member}`, of] as const)
  return [[name, type], ...members.flatMap(typedNames)]
}

/** The members of a map that a row holds itself. Those of `sessions` are the members of each session. */
function membersOf(name: string, { M }: AttributeValue): readonly (readonly [string, AttributeValue])[] {
  if (M === undefined || name.includes('.')) return []
  const entries = Object.entries(M as Item)
  return name === 'sessions' ? entries.flatMap(([, session]) => Object.entries(session['M'] as Item)) : entries
}

/** Writes the members that the port's laws do not mention. */
async function writePresence(store: Store): Promise<void> {
  const seat: Required<NonNullable<ConnectionSubscription['seat']>> = { member: 'ann', entry: 's.1' }
  const presence: Required<NonNullable<Subscriber['presence']>> = { view: 'members', seat }
  const row = subscriber('here?room=s:1', { presence })
  await store.putSubscriber(row)
  await store.claimSubscription({ ...row, seat })
}

describe("the document of the table agrees with the store's writes", () => {
  const written = new WrittenRows()
  let table: Awaited<ReturnType<typeof openTable>>
  let recorder: Awaited<ReturnType<typeof proxy>>

  beforeAll(async () => {
    table = await openTable()
    recorder = await proxy(table.options.endpoint, written.handle)
    const tests: (() => Promise<void>)[] = []
    const runner = {
      describe: (_: string, body: () => void) => body(),
      it: (_: string, body: () => Promise<void>) => void tests.push(body),
    }
    const store = createDynamoStore({ ...table.options, endpoint: recorder.endpoint })
    storeSuite(runner, { name: 'dynamodb', createStore: () => store })
    for (const test of tests) await test()
    await writePresence(store)
    await dynamoTicketStore({ ...table.options, endpoint: recorder.endpoint }).redeem('t1', 2_000_000_000)
  })
  afterAll(async () => {
    await recorder.end()
    await table.end()
  })

  it('on the kinds of rows', () => {
    expect([...written.attributes.keys()].sort()).toEqual([...documented().keys()].sort())
  })

  it('on the attributes of each kind, and their types', () => {
    const toText = (kinds: ReadonlyMap<string, Attributes>) =>
      [...kinds]
        .flatMap(([kind, attributes]) =>
          [...attributes].map(([name, types]) => `${kind} ${name} ${[...types].sort().join(' or ')}`.trim()),
        )
        .sort()
    expect(toText(written.attributes)).toEqual(toText(documented()))
  })
})

describe('the document of the table agrees with the payloads of jobs', () => {
  const jobs = 'packages/server/src/runtime/delivery/deliver-job.ts'
  const work = 'packages/server/src/runtime/calls/worker-job.ts'
  const listed = (heading: string) =>
    rowsUnder(document, heading).flatMap(([names = '', meaning = '']) =>
      namesIn(names).map((name) => ({ name, meaning })),
    )

  it('of `deliver`', () => {
    const members = [...membersOfInterface(jobs, 'JobRun'), ...membersOfInterface(jobs, 'DeliverJob')]
    expect(
      listed('### `deliver`')
        .map(({ name }) => name)
        .sort(),
    ).toEqual(members.map(({ name }) => name).sort())
  })

  it('of `worker`, with their members', () => {
    const stream = membersOfInterface('packages/server/src/runtime/streams/settle.ts', 'StreamJob')
    const members = [...membersOfInterface(work, 'CallJob'), ...membersOfInterface(work, 'GeneratorJob'), ...stream]
    const rows = listed('### `worker`')
    expect(rows.map(({ name }) => name).sort()).toEqual([...new Set(members.map(({ name }) => name))].sort())
    const nested = members.filter(({ members }) => members.length > 0)
    expect(nested.map(({ name }) => name)).toEqual(['call', 'subscription'])
    for (const { name, members } of [...nested, { name: 'client', members: namesOf(work, 'Client') }])
      expect([name, namesIn(rows.find((row) => row.name === name)?.meaning ?? '').sort()]).toEqual([
        name,
        [...members].sort(),
      ])
  })

  it('of a check of a presence', () => {
    const check = 'packages/server/src/runtime/presence/rows/disconnect-session.ts'
    const [presence] = membersOfInterface(check, 'PresenceCheck')
    const members = presence?.members.map((name) => `"${name}"`).join(', ')
    expect(document).toContain(`\`{ "${presence?.name}": { ${members} } }\``)
  })

  it('that `trunkline redrive` knows: it starts them, or says why it leaves them', () => {
    const section = document.split('### `deliver`')[1]?.split('### `worker`')[0] ?? ''
    const checks = [...section.matchAll(/`\{ "(\w+)":\s\{ ("\w+"(?:, "\w+")*) \} \}`/g)].map(
      ([, name = '', members = '']) => ({
        [name]: Object.fromEntries(members.split(', ').map((member) => [JSON.parse(member), 'x'])),
      }),
    )
    expect(checks.map((check) => Object.keys(check)[0])).toEqual(expect.arrayContaining(['presence', 'unconfirmed']))
    for (const check of checks) expect(readFailedMessage(JSON.stringify(check))).toEqual({ kind: 'check', check })
    const kinds = namesIn(listed('### `worker`').find(({ name }) => name === 'kind')?.meaning ?? '')
    expect(kinds).toEqual(expect.arrayContaining(['call', 'generator']))
    const reasons = kinds.map((kind) => readFailedMessage(JSON.stringify({ kind, client: {}, topic: 't' })))
    for (const found of reasons) expect(found).toMatchObject({ reason: expect.stringMatching(/^a .+: /) })
  })

  function namesOf(path: string, name: string): readonly string[] {
    return membersOfInterface(path, name).map((member) => member.name)
  }

  /** The members of an interface, each with the names of its own members where it is a type literal. */
  function membersOfInterface(path: string, name: string) {
    const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.ES2022)
    const declaration = source.statements.find(
      (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === name,
    )
    if (declaration === undefined || !ts.isInterfaceDeclaration(declaration))
      throw new Error(`Expected an interface ${name} in ${path}, found none.`)
    const nameOf = (member: ts.TypeElement) => member.name?.getText(source) ?? ''
    return declaration.members.map((member) => {
      const type = ts.isPropertySignature(member) ? member.type : undefined
      return {
        name: nameOf(member),
        members: type !== undefined && ts.isTypeLiteralNode(type) ? type.members.map(nameOf) : [],
      }
    })
  }
})

describe('the document of the table agrees with the environment', () => {
  const listed = rowsUnder(document, '## Environment variables').flatMap(([names = '']) => namesIn(names))

  it('that the packages read', () => {
    const texts = ['server', 'local'].flatMap((name) => sourcesOf(join('packages', name, 'src'))).map(read)
    const named = texts.flatMap((text) => text.match(/\bTRUNKLINE_[A-Z_]+\b/g) ?? [])
    const prefixed = texts.flatMap((text) =>
      [...text.matchAll(/\bread\('([A-Z_]+)'\)|[pP]refix\}_([A-Z_]+)`/g)].map(([, a, b]) => `TRUNKLINE_${a ?? b}`),
    )
    expect(prefixed.length).toBeGreaterThan(6)
    expect([...new Set([...named, ...prefixed])].sort()).toEqual([...listed].sort())
  })

  it('that the template of the stack sets', () => {
    const set = read('packages/deploy/src/resources/functions.ts').match(/\bTRUNKLINE_[A-Z_]+\b/g) ?? []
    expect(set.length).toBeGreaterThan(4)
    expect([...new Set(set)].filter((name) => !listed.includes(name))).toEqual([])
  })
})

/** The sources that are published: no tests and no suites. */
function sourcesOf(folder: string): readonly string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !/\.(test|test-d|suite)\.tsx?$/.test(path))
    .map((path) => join(folder, path))
}
