import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { defined } from '@trunkline/protocol'
import { checkBackgroundRuns, type EntryTable } from '../line/start-local-entry.ts'
import { keyTypes } from '../line/user-table.ts'

/** The settings of `trunkline dev`. Paths are absolute. */
export interface DevConfig {
  /** The module that exports the functions. */
  readonly entry: string
  /** A folder of built pages to serve on the line's port. @default none */
  readonly web?: string
  /** The first port to try. */
  readonly port: number
  /** The folder that keeps rows. @default memory */
  readonly data?: string
  /** The address of a DynamoDB to use instead of the line's own. @default none */
  readonly dynamodb?: string
  /** Application tables whose streams are mapped to exports of the entry. */
  readonly tables?: readonly EntryTable[]
  /** A file that contains the line's environment while it runs, for scripts: `node --env-file`. @default none */
  readonly env?: string
  /** The number of concurrent runs of each background function; further runs wait. @default 16 */
  readonly backgroundRuns?: number
  /** The number of records that each shard of a stream keeps after its mappings have read them. @default 250 */
  readonly streamRecords?: number
}

/** The members of `trunkline.config.json`. Paths are relative to it. */
export type DevSettings = Partial<DevConfig>

const fileName = 'trunkline.config.json'
const kinds: Readonly<Record<keyof DevConfig, 'string' | 'number' | 'list'>> = {
  entry: 'string',
  web: 'string',
  port: 'number',
  data: 'string',
  dynamodb: 'string',
  tables: 'list',
  env: 'string',
  backgroundRuns: 'number',
  streamRecords: 'number',
}
const defaultPort = 4400

/**
 * Reads a folder's settings; `options` override them. Throws an `Error` that names the invalid member and what was
 * expected.
 */
export async function readDevConfig(folder: string, options: DevSettings): Promise<DevConfig> {
  if (!existsSync(folder)) throw new Error(`The folder ${folder} does not exist. Name the folder of your project.`)
  const settings = { ...(await readSettings(folder)), ...options }
  for (const [name, value] of Object.entries(settings)) checkMember(folder, name, value)
  const { entry, web, data, dynamodb, env, tables, backgroundRuns, streamRecords, port = defaultPort } = settings
  if (entry === undefined)
    throw new Error(
      `Expected an entry. Name the module that exports your functions: --entry ./api/lambda.ts, or "entry" in ${join(folder, fileName)}.`,
    )
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`Expected a port from 0 to 65535, got ${port}.`)
  if (dynamodb !== undefined && !/^https?:$/.test(URL.canParse(dynamodb) ? new URL(dynamodb).protocol : ''))
    throw new Error(
      `Expected dynamodb to be an address such as http://localhost:8000, got ${JSON.stringify(dynamodb)}.`,
    )
  if (dynamodb !== undefined && data !== undefined)
    throw new Error(
      `Expected either a data folder or another DynamoDB, got both: ${data} and ${dynamodb}. Leave one out.`,
    )
  checkBackgroundRuns(backgroundRuns)
  const inFolder = (path: string | undefined) => (path === undefined ? undefined : resolve(folder, path))
  return defined({
    entry: resolve(folder, entry),
    port,
    web: inFolder(web),
    data: inFolder(data),
    dynamodb,
    env: inFolder(env),
    tables: tables?.map(checkTable),
    backgroundRuns,
    streamRecords,
  })
}

function checkMember(folder: string, name: string, value: unknown): void {
  if (!Object.hasOwn(kinds, name))
    throw new Error(`Expected the members ${Object.keys(kinds).join(', ')} in ${join(folder, fileName)}, got ${name}.`)
  const kind = kinds[name as keyof DevConfig]
  if ((Array.isArray(value) ? 'list' : typeof value) !== kind)
    throw new Error(`Expected ${name} to be a ${kind}, got ${JSON.stringify(value)}.`)
}

function checkTable(table: EntryTable): EntryTable {
  const { name, handler, keys, indexes = {} } = table ?? {}
  const named = typeof name === 'string' && (handler === undefined || typeof handler === 'string')
  const indexed = isRecord(indexes)
    ? Object.values(indexes).map((index) => (isRecord(index) ? index.keys : undefined))
    : [undefined]
  if (named && [keys, ...indexed].every(isKeys)) return table
  const index = '"indexes": { "by-column": { "keys": { "column": "S" } } }'
  const shape = `{ "name": "cards", "keys": { "board": "S", "id": "S" }, "handler": "cards", ${index} }`
  throw new Error(`Expected each of tables to be like ${shape}, got ${JSON.stringify(table)}.`)
}

function isKeys(keys: unknown): boolean {
  const types: readonly unknown[] = keyTypes
  return isRecord(keys) && Object.keys(keys).length > 0 && Object.values(keys).every((type) => types.includes(type))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function readSettings(folder: string): Promise<DevSettings> {
  const path = join(folder, fileName)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {} // the file is optional
    throw error
  }
  try {
    return JSON.parse(text) as DevSettings
  } catch (error) {
    throw new Error(`Expected ${path} to contain JSON: ${error instanceof Error ? error.message : error}`)
  }
}
