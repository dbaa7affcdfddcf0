import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lineTemplate } from '@trunkline/deploy'
import { unzipSync } from 'fflate'
import { afterAll, describe, expect, it } from 'vitest'
import { runTrunkline } from '../testing/command-line.suite.ts'
import { bundleHandlers } from './bundle.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-template-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string) => join(folder, name)

/** Runs the command and returns what it prints. */
async function run(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await runTrunkline(['template', ...args])
  expect([code, err]).toEqual([0, ''])
  return out
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
    const { code, err } = await runTrunkline(['template', ...args])
    expect([code > 0, err]).toEqual([true, expect.stringContaining(message)])
  })
})

describe('the bundle of the handlers', () => {
  const entry = file('functions.ts')
  writeFileSync(entry, "export const websocket = async () => (await import('./late.ts')).answer\n")
  writeFileSync(file('late.ts'), 'export const answer: number = 42\n')

  it('runs from its zip file, with what is imported later in a file of its own', async () => {
    const { zip } = await bundleHandlers(entry)
    const files = Object.entries(unzipSync(zip))
    mkdirSync(file('unzipped'))
    for (const [name, contents] of files) writeFileSync(join(folder, 'unzipped', name), contents)
    expect(files.map(([name]) => name)).toEqual(expect.arrayContaining(['lambda.mjs', 'lambda.mjs.map']))
    const script = "import('./lambda.mjs').then(async ({ websocket }) => console.log(await websocket()))"
    expect(execFileSync(process.execPath, ['-e', script], { cwd: file('unzipped'), encoding: 'utf8' })).toBe('42\n')
  })

  it('has the same bytes and the same key each time, and another key for other code', async () => {
    const [first, second] = [await bundleHandlers(entry), await bundleHandlers(entry)]
    expect(second).toEqual(first)
    writeFileSync(file('late.ts'), 'export const answer: number = 43\n')
    expect((await bundleHandlers(entry)).key).not.toBe(first.key)
  })
})
