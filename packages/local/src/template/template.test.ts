import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lineTemplate } from '@trunkline/deploy'
import { afterAll, describe, expect, it } from 'vitest'
import { runTemplateCommand } from './command.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-template-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string) => join(folder, name)

/** Runs the command and returns what it prints. */
async function run(...args: readonly string[]): Promise<string> {
  const lines: string[] = []
  expect(await runTemplateCommand(args, (line) => lines.push(line))).toBe(0)
  return lines.join('\n')
}

describe('trunkline template', () => {
  it('prints the template of the options', async () => {
    const printed = await run('--service', 'shop', '--stage', 'prod', '--handler', 'dist/lambda', '--no-http')
    const options = { service: 'shop', stage: 'prod', handler: 'dist/lambda', http: false }
    expect(JSON.parse(printed)).toEqual(lineTemplate(options))
  })

  it('writes a file and prints how to deploy it', async () => {
    const printed = await run('--service', 'shop', '--handler', 'dist/lambda', '--out', file('shop.json'))
    expect(JSON.parse(readFileSync(file('shop.json'), 'utf8'))).toHaveProperty('Resources.Table')
    expect(printed).toContain('--stack-name shop-dev')
  })

  it('gives the functions the variables of a file', async () => {
    writeFileSync(file('variables'), '# of the shop\nSHOP=open # today\nexport NAME="The shop"\n\n')
    const printed = await run('--service', 'shop', '--handler', 'lambda', '--env', file('variables'))
    expect(JSON.parse(printed).Resources.WebsocketLambdaFunction.Properties.Environment.Variables).toMatchObject({
      SHOP: 'open',
      NAME: 'The shop',
    })
  })

  it.each([
    [['--handler', 'lambda'], 'Expected --service'],
    [['--service', 'shop'], 'Expected --handler'],
    [['--service', 'shop', '--entry', 'lambda.ts'], 'Expected --entry and --bundle together'],
    [['--service', 'shop', '--handler', 'lambda', '--memory', 'much'], 'Expected --memory to be a whole number'],
    [['--service', '7', '--handler', 'lambda'], 'service: Expected 1 to 30 letters'],
    [['--service', 'shop', '--entry', 'absent.ts', '--bundle', 'x.zip'], 'absent.ts does not exist'],
  ])('says what is wrong with %j', async (args, message) => {
    await expect(runTemplateCommand(args, () => {})).rejects.toThrow(message)
  })
})
