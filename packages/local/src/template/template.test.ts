import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lineTemplate } from '@trunkline/deploy'
import { afterAll, describe, expect, it } from 'vitest'
import { runTrunkline } from '../testing/command-line.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-template-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string) => join(folder, name)

/** Runs the command and returns what it prints. */
async function run(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await runTrunkline(['template', ...args])
  expect([code, err]).toEqual([0, ''])
  return out
}

writeFileSync(file('list.json'), '[1]')

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

  it('takes more options from a file, and those of the command line before them', async () => {
    writeFileSync(file('options.json'), JSON.stringify({ http: 'api', memoryMb: 256, site: true }))
    const more = [
      '--options',
      file('options.json'),
      '--memory',
      '1024',
      '--one-function',
      '--origins',
      'https://a.example, https://b.example',
    ]
    const printed = await run('--service', 'shop', '--handler', 'lambda', ...more)
    const origins = ['https://a.example', 'https://b.example']
    expect(JSON.parse(printed)).toEqual(
      lineTemplate({
        service: 'shop',
        handler: 'lambda',
        http: 'api',
        memoryMb: 1_024,
        site: true,
        functions: 'one',
        origins,
      }),
    )
  })

  it('prints what to do then: the files of a page, the record of a domain, the topic of alarms', async () => {
    const domain = { name: 'live.shop.example', certificateArn: 'arn:aws:acm:eu-west-1:1:certificate/1' }
    writeFileSync(file('more.json'), JSON.stringify({ site: true, domain }))
    const written = ['--service', 'shop', '--handler', 'lambda', '--out', file('shop.json')]
    const printed = await run(...written, '--options', file('more.json'))
    for (const part of ['aws s3 sync dist', 'CNAME record', 'AlarmTopic']) expect(printed).toContain(part)
    expect(printed).not.toContain('Origins=')
    const plain = await run(...written, '--no-alarms')
    for (const part of ['aws s3 sync dist', 'CNAME record', 'AlarmTopic']) expect(plain).not.toContain(part)
    expect(plain).toContain('Origins=https://')
  })

  it('takes the service, the stage and the handler from the file too, and names the stack by them', async () => {
    writeFileSync(file('whole.json'), JSON.stringify({ service: 'shop', stage: 'prod', handler: 'lambda' }))
    const printed = await run('--options', file('whole.json'), '--out', file('shop.json'))
    expect(printed).toContain('--stack-name shop-prod')
    expect(readFileSync(file('shop.json'), 'utf8')).toContain('"shop-prod-websocket"')
    expect(await run('--options', file('whole.json'), '--stage', 'dev', '--out', file('shop.json'))).toContain(
      '--stack-name shop-dev',
    )
  })

  it('names the values of all options that are parameters, which an update would keep from before', async () => {
    const topic = 'arn:aws:sns:eu-west-1:1:alarms'
    writeFileSync(file('values.json'), JSON.stringify({ http: 'api', alarmTopic: topic }))
    const more = ['--options', file('values.json'), '--origins', 'https://*.a.example,https://b.example']
    const printed = await run('--service', 'shop', '--handler', 'lambda', ...more, '--out', file('my shop.json'))
    for (const value of ["Origins='https://*.a.example,https://b.example'", `AlarmTopic=${topic}`, 'HttpDoor=api'])
      expect(printed).toContain(` ${value}`)
    expect(printed).not.toContain('RestoreNumber')
    expect(printed).toContain(`--template-file '${file('my shop.json')}'`)
  })

  it.each([
    [['--handler', 'lambda'], 'Expected --service'],
    [['--service', 'shop'], 'Expected --handler'],
    [['--service', 'shop', '--entry', 'lambda.ts'], 'Expected --entry and --bundle together'],
    [['--service', 'shop', '--handler', 'lambda', '--memory', 'much'], 'Expected --memory to be a whole number'],
    [['--service', '7', '--handler', 'lambda'], 'service: Expected 1 to 30 letters'],
    [['--service', 'shop', '--handler', 'lambda', '--options', file('list.json')], 'Expected'],
    [['--service', 'shop', '--entry', 'absent.ts', '--bundle', 'x.zip'], 'absent.ts does not exist'],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, err } = await runTrunkline(['template', ...args])
    expect([code > 0, err]).toEqual([true, expect.stringContaining(message)])
  })
})
