import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LineTemplateOptions, lineTemplate } from '@trunkline/deploy'
import { afterAll, describe, expect, it } from 'vitest'

const script = join(import.meta.dirname, 'deploy_into_moto.py')
const folder = mkdtempSync(join(tmpdir(), 'trunkline-moto-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Stack {
  readonly status: string
  readonly outputs: Readonly<Record<string, string>>
  /** The handler, the memory and the variables of each function. */
  readonly functions: Readonly<Record<string, readonly [string, number, Readonly<Record<string, string>>]>>
  /** The ARN of each event source, and the function that it runs. */
  readonly sources: readonly (readonly [string, string])[]
  readonly tables: readonly string[]
}

interface Deployed {
  readonly created: Stack
  readonly updated: Stack
  readonly deleted: {
    readonly functions: readonly string[]
    readonly tables: readonly string[]
    readonly queues: readonly string[]
  }
}

function runPython(...args: readonly string[]): string {
  return execFileSync('python3', ['-W', 'ignore', script, ...args], { encoding: 'utf8', stdio: 'pipe' })
}

function isInstalled(): boolean {
  try {
    runPython()
    return true
  } catch {
    return false
  }
}

/** Creates a stack, updates it to functions with more memory and other code, and deletes it. */
function deploy(options: Partial<LineTemplateOptions>): Deployed {
  const write = (memoryMb: number) => {
    const path = join(folder, `${memoryMb}.json`)
    const template = lineTemplate({ service: 'shop', stage: 'prod', handler: 'lambda', memoryMb, ...options })
    writeFileSync(path, JSON.stringify(template))
    return path
  }
  return JSON.parse(runPython(write(512), write(1024))) as Deployed
}

/**
 * moto's CloudFormation knows IAM, Lambda, DynamoDB, SQS and CloudWatch Logs of the template. It passes over API Gateway's
 * WebSocket APIs, alarms and function URLs.
 */
describe.skipIf(!isInstalled())('moto, which needs python3 and moto', () => {
  it.each([
    ['a function for each event', 'each', 'tableStream', 'delayed', 7],
    ['one function', 'one', 'handler', 'handler', 1],
  ] as const)(
    'deploys the template with %s, updates it in place and keeps its table',
    (_, functions, stream, later, n) => {
      const { created, updated, deleted } = deploy({ functions })
      expect([created.status, updated.status]).toEqual(['CREATE_COMPLETE', 'UPDATE_COMPLETE'])
      const table = created.outputs['TableName'] ?? ''
      const [, , variables] = created.functions[`shop-prod-${stream}`] ?? []
      expect(variables).toMatchObject({ TRUNKLINE_TABLE: table, POWERTOOLS_SERVICE_NAME: 'shop-prod' })
      expect(variables?.['TRUNKLINE_DELAY_QUEUE_URL']).toMatch(/^https:\/\/sqs\.eu-west-1\..*-Later-/)
      expect(created.sources).toEqual([
        [expect.stringContaining(`:table/${table}/stream/`), `shop-prod-${stream}`],
        [expect.stringMatching(/:sqs:.*-Later-/), `shop-prod-${later}`],
      ])
      const { outputs, sources, tables } = created
      expect(updated).toMatchObject({ outputs, sources, tables })
      expect(Object.values(updated.functions).map(([, memory]) => memory)).toEqual(
        Array.from({ length: n }, () => 1_024),
      )
      expect(deleted).toEqual({ functions: [], tables: [table], queues: [] })
    },
    300_000,
  )
})
