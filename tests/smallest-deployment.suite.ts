import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lineTemplate } from '@trunkline/deploy'
import { beforeAll, describe, expect, it } from 'vitest'
import { comparable } from './line-template.suite.ts'
import { repository } from './repository.ts'
import { packageService, resourcesOf, type Template } from './template.ts'

/** The first block of a language under a heading of docs/guide/deploying.md. */
async function blockUnder(heading: string, language: string, part = ''): Promise<string> {
  const document = await readFile(join(repository, 'docs/guide/deploying.md'), 'utf8')
  const [, section = ''] = document.split(`\n${heading}\n`)
  const blocks = [...section.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, named, text = '']) =>
    named === language && text.includes(part) ? [text] : [],
  )
  return blocks[0] ?? ''
}

describe('the smallest deployment of docs/guide/deploying.md', () => {
  const heading = '## The smallest deployment'
  let yml: string
  let cdk: string
  let template: Template
  beforeAll(async () => {
    yml = await blockUnder(heading, 'yaml')
    cdk = await blockUnder(heading, 'ts', '@trunkline/cdk')
    const code = await blockUnder(heading, 'ts', 'createLambdaHandlers')
    template = await packageService(['node_modules'], async (folder) => {
      await mkdir(join(folder, 'src'))
      await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
      await writeFile(join(folder, 'serverless.yml'), yml)
      await writeFile(join(folder, 'src/lambda.ts'), code)
    })
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

  it('is the template of the same options', () => {
    const origins = ['https://shop.example']
    const options = { service: 'shop', handler: 'src/lambda', functions: 'one', alarms: false, origins } as const
    expect(comparable(template.Resources)).toEqual(comparable(lineTemplate(options).Resources))
  })
})
