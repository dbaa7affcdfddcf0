import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lineTemplate } from '@trunkline/deploy'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { repository } from './repository.ts'
import { resourcesOf, statementsOf, type Template } from './template.ts'

const document = readFileSync(join(repository, 'docs/guide/deploying.md'), 'utf8')
const options = { service: 'shop', stage: 'prod', handler: 'lambda' }
const template = normal(lineTemplate(options))

/** The template as the helpers of these tests read it. */
function normal(made: ReturnType<typeof lineTemplate>): Template {
  const resources = Object.entries(made.Resources).map(([id, each]) => [id, { DependsOn: [], ...each }])
  return JSON.parse(JSON.stringify({ ...made, Resources: Object.fromEntries(resources) }))
}

const functions = [...resourcesOf(template, 'AWS::Lambda::Function').keys()].map((id) =>
  id.replace('LambdaFunction', ''),
)
const nameOf = (id: string) => `\`${id.charAt(0).toLowerCase()}${id.slice(1)}\``
const propertiesOf = (id: string) => template.Resources[id]?.Properties ?? {}

/** The rows of the table under a heading, without its head. */
function rowsUnder(heading: string): readonly string[] {
  const [, section = ''] = document.split(`\n${heading}\n`)
  const [table = ''] = /^\|[\s\S]*?\n(?!\|)/m.exec(section) ?? []
  return table.trim().split('\n').slice(2)
}

/** What a statement is about, in the words of the document. */
const resources: readonly (readonly [RegExp, string])[] = [
  [/LogGroup/, 'its log group'],
  [/"Table","StreamArn"/, 'the stream'],
  [/"Table"/, 'the table'],
  [/"Later"/, '`Later`'],
  [/"DeadLetters"/, '`DeadLetters`'],
  [/@connections/, 'the connections'],
  [/-deliver"/, '`deliver`'],
  [/-worker"/, '`worker`'],
  [/KmsKey/, '`KmsKey`'],
]
const labelOf = (resource: unknown) => resources.find(([pattern]) => pattern.test(JSON.stringify(resource)))?.[1]

/** The rights of each function, one for each statement. */
function rightsOf(id: string): readonly string[] {
  return statementsOf(template, `${id}Role`).map(({ Action, Resource }) => {
    const [first = '', ...others] = [Action].flat()
    const names = [first, ...others.map((action) => action.replace(/^.*:/, ''))]
    return `${names.map((name) => `\`${name}\``).join(' ')} on ${labelOf(Resource)}`
  })
}

describe('the tables of docs/guide/deploying.md', () => {
  it('have each function with its export, its timeout and what runs it', () => {
    const mappings = [...resourcesOf(template, 'AWS::Lambda::EventSourceMapping').values()]
    const rows = functions.map((id) => {
      const { Timeout, Handler } = z
        .object({ Timeout: z.number(), Handler: z.string() })
        .parse(propertiesOf(`${id}LambdaFunction`))
      const isMapped = mappings.some(({ Properties }) =>
        JSON.stringify(Properties['FunctionName']).includes(`"${id}Lambda`),
      )
      return { row: `| ${nameOf(id)} | \`${Handler.split('.')[1]}\` | ${Timeout} s |`, isMapped }
    })
    const listed = rowsUnder('### Functions')
    expect(listed.map((row) => row.split('|').slice(0, 4).join('|'))).toEqual(
      rows.map(({ row }) => row.slice(0, -1).trimEnd().concat(' ')),
    )
    for (const [index, { isMapped }] of rows.entries())
      expect(/the stream of|`Later`/.test(listed[index] ?? '')).toBe(isMapped)
  })

  it('have each right of each function', () => {
    const all = [...new Set(functions.flatMap(rightsOf))]
    const rows = all.map((right) => {
      const marks = functions.map((id) => (rightsOf(id).includes(right) ? '✓' : ''))
      return `| ${right} | ${marks.join(' | ')} |`.replaceAll('|  |', '| |').replaceAll('|  |', '| |')
    })
    expect(rowsUnder('### Rights')).toEqual(rows)
  })

  it('have each variable that the template sets', () => {
    const { Variables } = z
      .object({ Variables: z.record(z.string(), z.unknown()) })
      .parse(propertiesOf('WorkerLambdaFunction')['Environment'])
    const names = rowsUnder('### Environment').map((row) => /`(\w+)`/.exec(row)?.[1])
    expect(names).toEqual(Object.keys(Variables))
  })

  it('have each route, who answers it, and whether what is returned is sent', () => {
    const routes = [...resourcesOf(template, 'AWS::ApiGatewayV2::Route').values()].filter(
      ({ Properties }) => JSON.stringify(Properties['ApiId']) === '{"Ref":"WebsocketsApi"}',
    )
    const rows = routes.map(({ Properties }) => {
      const runs = JSON.stringify(Properties['Target']).includes('Ping') ? 'the gateway itself' : '`websocket`'
      const isTwoWay = Properties['RouteResponseSelectionExpression'] !== undefined
      return `| \`${Properties['RouteKey']}\` | ${runs} | ${isTwoWay ? 'yes' : 'no'} |`
    })
    expect(rowsUnder('### Routes')).toEqual(rows)
  })

  it('have each parameter with its default', () => {
    const named = rowsUnder('## Parameters').flatMap((row) => row.split('|')[1]?.match(/\w+/g) ?? [])
    expect(named.sort()).toEqual(Object.keys(template.Parameters ?? {}).sort())
  })

  it('have each option of lineTemplate', () => {
    const source = readFileSync(join(repository, 'packages/deploy/src/template/options.ts'), 'utf8')
    const [, members = ''] = /export interface LineTemplateOptions \{([\s\S]*?)\n\}/.exec(source) ?? []
    const declared = [...members.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name)
    expect(declared.length).toBeGreaterThan(20)
    const named = rowsUnder('## Options').flatMap((row) => row.split('|')[1]?.match(/\w+/g) ?? [])
    expect([...named].sort()).toEqual(declared.sort())
  })
})
