import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { lineTemplate } from '@trunkline/deploy'
import { beforeAll, describe, expect, it } from 'vitest'
import { comparable } from './line-template.suite.ts'
import { repository } from './repository.ts'
import { describeService, packageService, resourcesOf, type Template } from './template.ts'

/** The first block of a language under a heading of docs/guide/deploying.md. */
async function blockUnder(heading: string, language: string, part = ''): Promise<string> {
  const document = await readFile(join(repository, 'docs/guide/deploying.md'), 'utf8')
  const [, section = ''] = document.split(`\n${heading}\n`)
  const blocks = [...section.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, named, text = '']) =>
    named === language && text.includes(part) ? [text] : [],
  )
  return blocks[0] ?? ''
}

/** CloudFormation with one stack, as osls asks for it. */
async function startStack(outputs: Readonly<Record<string, string>>) {
  const members = Object.entries(outputs).map(
    ([name, value]) => `<member><OutputKey>${name}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  )
  const state = '<StackName>shop-dev</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>'
  const results: Readonly<Record<string, string>> = {
    DescribeStacks: `<Stacks><member>${state}<Outputs>${members.join('')}</Outputs></member></Stacks>`,
    ListStackResources: '<StackResourceSummaries></StackResourceSummaries>',
  }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const action = new URLSearchParams(body).get('Action') ?? ''
    const result = `<${action}Result>${results[action] ?? ''}</${action}Result>`
    response.writeHead(action in results ? 200 : 400)
    response.end(
      `<${action}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">${result}</${action}Response>`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

describe('the smallest deployment of docs/guide/deploying.md', () => {
  const heading = '## The smallest deployment'
  let yml: string
  let cdk: string
  let template: Template
  let write: (folder: string) => Promise<void>
  beforeAll(async () => {
    yml = await blockUnder(heading, 'yaml')
    cdk = await blockUnder(heading, 'ts', '@trunkline/cdk')
    const code = await blockUnder(heading, 'ts', 'createLambdaHandlers')
    write = async (folder) => {
      await mkdir(join(folder, 'src'))
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
      await writeFile(join(folder, 'serverless.yml'), yml)
      await writeFile(join(folder, 'src/lambda.ts'), code)
    }
    template = await packageService(['node_modules'], write)
  }, 120_000)

  it('has about 20 lines of serverless.yml, and fewer of the CDK', () => {
    const linesOf = (text: string) => text.trim().split('\n').length
    expect([linesOf(yml) <= 22, linesOf(cdk) <= 20, linesOf(cdk) > 3]).toEqual([true, true, true])
  })

  it('has one function and all other resources but the alarms', () => {
    const types = new Set(Object.values(template.Resources).map(({ Type }) => Type))
    expect([...resourcesOf(template, 'AWS::Lambda::Function').keys()]).toEqual(['HandlerLambdaFunction'])
    expect(types).not.toContain('AWS::CloudWatch::Alarm')
    for (const type of [
      'AWS::ApiGatewayV2::Api',
      'AWS::DynamoDB::Table',
      'AWS::SQS::Queue',
      'AWS::CloudWatch::Dashboard',
    ])
      expect(types).toContain(type)
  })

  it('prints its address and what to do next once it is deployed', async () => {
    const stack = await startStack({ ServiceEndpointWebsocket: 'wss://a.example/dev', TableName: 'shop-Table' })
    const printed = await describeService(write, stack.url)
    stack.close()
    expect(printed).toContain('wss://a.example/dev (url of createConnection)')
    expect(printed).toContain('npx osls logs --function handler --tail')
  })

  it('is the template of the same options', () => {
    const origins = ['https://shop.example']
    const options = { service: 'shop', handler: 'src/lambda', functions: 'one', alarms: false, origins } as const
    expect(comparable(template.Resources)).toEqual(comparable(lineTemplate(options).Resources))
  })
})
