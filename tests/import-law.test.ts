import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { areaOf, findOffences, type SourceFile } from './import-law/law.ts'
import { scanImports } from './import-law/scan.ts'
import { repository } from './repository.ts'

/** Sources, without tests and the suites they share: those may use what they test with. */
function sources(): SourceFile[] {
  return ['packages', 'examples', 'benchmarks'].flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => [folder, ...path.split(sep)].join('/'))
      .filter(
        (path) =>
          /^[^/]+\/[^/]+\/src\/.*\.tsx?$/.test(path) &&
          !/\.(test|test-d|suite)\.tsx?$|\/(node_modules|fixtures)\//.test(path),
      )
      .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') })),
  )
}

describe('the import law', () => {
  it('holds in every source file', () => {
    const lines = findOffences(sources()).map(({ file, line, message }) => `${file}:${line} ${message}`)
    expect(lines).toEqual([])
  })

  it('lets no source import() the AWS SDK directly: a bundler that uses its CommonJS build loses the names', () => {
    const offenders = sources().filter(({ text }) => /(?<!typeof )\bimport\(\s*['"]@(aws-sdk|smithy)\//.test(text))
    expect(offenders.map(({ path }) => path)).toEqual([])
  })

  it('covers every area', () => {
    const areas = new Set(sources().map(({ path }) => areaOf(path)))
    expect([...areas]).toEqual(
      expect.arrayContaining([
        'protocol',
        'server/define',
        'server/runtime',
        'server/ports',
        'server/memory',
        'server/dynamodb',
        'server/lambda',
        'client',
        'local',
        'examples',
      ]),
    )
  })
})

const run = 'packages/server/src/runtime/calls/run-call.ts'
/** [file, its text, what is said of it]: each rule of the law, broken once. */
const offenders: readonly (readonly [path: string, text: string, message: string])[] = [
  ['packages/protocol/src/frames/frames.ts', "import * as z from 'zod'", 'protocol must not import zod here'],
  ['packages/protocol/src/frames/frames.ts', "import { ws } from 'ws'", 'protocol must not import ws'],
  [
    'packages/protocol/src/frames/frames.ts',
    "import { randomUUID } from 'node:crypto'",
    'protocol must not import node:crypto',
  ],
  [
    'packages/protocol/src/schemas.ts',
    "import { z } from 'zod'",
    "import { z } from 'zod' cannot be shaken: import * as z",
  ],
  [
    'packages/server/src/define/channel.ts',
    "import * as z from 'zod'",
    'server/define must not import zod but by `import type`',
  ],
  [
    'packages/server/src/define/channel.ts',
    "import { publish } from '../runtime/publish.ts'",
    'define must not import runtime, which is above it',
  ],
  [
    'packages/server/src/define/channel.ts',
    "import type { Store } from '../ports/store.ts'",
    'define must not import ports, which is above it',
  ],
  [
    'packages/server/src/ports/store.ts',
    "import type { X } from '../define/topic.ts'",
    'server/ports must not import server/define (../define/topic.ts)',
  ],
  [
    run,
    "import { createMemoryStore } from '../../memory/store.ts'",
    'server/runtime must not import server/memory (../../memory/store.ts)',
  ],
  [
    run,
    "import { createLine } from '../../line/create-line.ts'",
    'runtime/calls must not import line, which is above it',
  ],
  [run, "import * as z from 'zod'", 'server/runtime must not import zod'],
  [run, 'const now = Date.now()', 'runtime must not say Date.now'],
  [run, 'const now = new Date()', 'runtime must not say new Date()'],
  [run, 'setTimeout(stop, 5)', 'runtime must not say setTimeout'],
  [run, 'const jitter = Math.random()', 'runtime must not say Math.random'],
  [run, 'const id = crypto.randomUUID()', 'runtime must not say randomUUID'],
  [run, "throw new Error('the Lambda ended')", 'runtime must not say Lambda'],
  [run, 'const awsRequestId = 1', 'runtime must not say aws'],
  [run, 'const table = dynamoStore()', 'runtime must not say dynamo'],
  [
    'packages/server/src/memory/store.ts',
    "import { keys } from '../dynamodb/keys.ts'",
    'server/memory must not import server/dynamodb (../dynamodb/keys.ts)',
  ],
  [
    'packages/server/src/dynamodb/store.ts',
    "import type { G } from '../apigateway/gateway.ts'",
    'server/dynamodb must not import server/apigateway (../apigateway/gateway.ts)',
  ],
  [
    'packages/server/src/lambda/handlers.ts',
    "import { s } from '../dynamodb/store.ts'",
    'server/lambda must not import server/dynamodb (../dynamodb/store.ts)',
  ],
  [
    'packages/server/src/lambda/handlers.ts',
    "import { LambdaClient } from '@aws-sdk/client-lambda'",
    'server/lambda must not import @aws-sdk/client-lambda',
  ],
  [run, "export type { X } from '@aws-sdk/client-lambda'", 'server/runtime must not import @aws-sdk/client-lambda'],
  [
    'packages/server/src/line/create-line.ts',
    "const m = await import('../lambda/handlers.ts')",
    'line must not import lambda, which is above it',
  ],
  ['packages/server/src/stray.ts', '', 'is in no folder that the law names'],
  [
    'packages/client/src/session/step.ts',
    "import { frame } from '@trunkline/protocol/schemas'",
    'client must not import @trunkline/protocol/schemas',
  ],
  [
    'packages/client/src/session/step.ts',
    "import { createLine } from '@trunkline/server'",
    'client must not import @trunkline/server but by `import type`',
  ],
  [
    'packages/client/src/session/step.ts',
    "import { TRPCError } from '@trpc/server'",
    'client must not import @trpc/server but by `import type`',
  ],
  [
    'packages/client/src/session/step.ts',
    "import ws from 'partysocket/ws'",
    'client must not import partysocket/ws here',
  ],
  ['packages/client/src/session/step.ts', "import { useState } from 'react'", 'client must not import react here'],
  [
    'packages/client/src/session/step.ts',
    "import { createServer } from 'node:http'",
    'client must not import node:http',
  ],
  [
    'packages/local/src/line/stack.ts',
    "import { x } from '../../../server/src/runtime/calls/run-call.ts'",
    '../../../server/src/runtime/calls/run-call.ts leaves the package: use its entry point',
  ],
  [
    'packages/local/src/line/stack.ts',
    "import { x } from '@trunkline/server/src/runtime/calls/run-call.ts'",
    '@trunkline/server/src/runtime/calls/run-call.ts is no entry point',
  ],
  [
    'examples/chat/src/app.ts',
    "import { x } from '../../../packages/client/src/index.ts'",
    '../../../packages/client/src/index.ts leaves the package: use its entry point',
  ],
]

describe('an offender', () => {
  it.each(offenders)('in %s, %j, is found', (path, text, message) => {
    expect(findOffences([{ path, text: `// a line before\n${text}\n` }])).toContainEqual({
      file: path,
      line: text === '' ? 1 : 2,
      message,
    })
  })

  it('that lets zod into the browser’s entry by a detour is found where zod is imported', () => {
    const index = { path: 'packages/protocol/src/index.ts', text: "export * from './schemas.ts'" }
    const schemas = { path: 'packages/protocol/src/schemas.ts', text: "import * as z from 'zod'" }
    expect(findOffences([index, schemas])).toEqual([
      { file: schemas.path, line: 1, message: 'zod is reached from the entry that browsers load' },
    ])
    expect(findOffences([schemas])).toEqual([])
  })

  it('that closes a cycle is found, also by a type alone', () => {
    const one = { path: 'packages/local/src/one.ts', text: "import { two } from './two.ts'" }
    const two = { path: 'packages/local/src/two.ts', text: "export { one } from './one.ts'" }
    const typed = { path: two.path, text: "import type { One } from './one.ts'" }
    const cycle = 'closes a cycle: packages/local/src/one.ts → packages/local/src/two.ts → packages/local/src/one.ts'
    expect(findOffences([one, two])).toEqual([{ file: two.path, line: 1, message: cycle }])
    expect(findOffences([one, typed])).toEqual([{ file: two.path, line: 1, message: cycle }])
  })
})

describe('the scanner', () => {
  it.each([
    ["import { a } from './a.ts'", './a.ts', false],
    ["import a, { b } from 'x'", 'x', false],
    ["import * as z from 'zod'", 'zod', false],
    ["import type { A } from './a.ts'", './a.ts', true],
    ["import { type A } from './a.ts'", './a.ts', false],
    ["import type from './a.ts'", './a.ts', false],
    ["import './a.ts'", './a.ts', false],
    ["export * from './a.ts'", './a.ts', false],
    ["export type { A } from './a.ts'", './a.ts', true],
    ["const a = await import('./a.ts')", './a.ts', false],
    ["type A = import('./a.ts').A", './a.ts', true],
    ["import {\n  a,\n  b,\n} from './a.ts'", './a.ts', false],
  ])('reads %j', (text, specifier, typeOnly) => {
    expect(scanImports(text)).toEqual([expect.objectContaining({ specifier, typeOnly })])
  })

  it.each(["// import { a } from './a.ts'", "/** import('./a.ts') */", "/*\nimport './a.ts'\n*/"])(
    'passes over %j',
    (text) => {
      expect(scanImports(text)).toEqual([])
    },
  )

  it('sees what follows a string that looks like a comment', () => {
    expect(scanImports("const url = 'http://x'\nimport { a } from './a.ts'")).toEqual([
      { specifier: './a.ts', typeOnly: false, line: 2 },
    ])
  })
})
