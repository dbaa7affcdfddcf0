import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type LineTemplateOptions, lineTemplate } from '@trunkline/deploy'
import { afterAll, describe, expect, it } from 'vitest'
import { repository } from '../repository.ts'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-templates-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program and returns what it prints. Throws what it prints if it fails. */
function run(command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' })
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${command} failed:\n${stdout}${stderr}`, { cause })
  }
}

/** Whether a program is installed and works. */
function runs(command: string, ...args: readonly string[]): boolean {
  try {
    run(command, ...args)
    return true
  } catch {
    return false
  }
}

const certificateArn = 'arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-555555555555'
const domain = { name: 'live.shop.example', certificateArn, hostedZoneId: 'Z0123456789ABCDEFGHIJ' }
const variants: readonly (readonly [string, Partial<LineTemplateOptions>])[] = [
  ['with all parts', { http: 'api', site: true, domain }],
  ['of one function', { functions: 'one', alarms: false, dashboard: false, http: false }],
  ['with a function URL', { http: 'url', httpStream: true }],
]
const files = variants.map(([name, options], index) => {
  const path = join(folder, `template-${index}.json`)
  writeFileSync(path, JSON.stringify(lineTemplate({ service: 'shop', stage: 'prod', handler: 'lambda', ...options })))
  return [name, path] as const
})

describe.skipIf(!runs('cfn-lint', '--version'))('cfn-lint', () => {
  it.each(files)('has nothing to say about the template %s', (_, path) => {
    expect(run('cfn-lint', '--regions', 'eu-west-1', '--template', path)).toBe('')
  })
})

describe.skipIf(!runs('cfn-lint', '--version'))('cfn-lint for other partitions', () => {
  it.each(['us-gov-west-1', 'cn-north-1'])('finds each type and property of the template in %s', (region) => {
    const path = join(folder, `${region}.json`)
    writeFileSync(
      path,
      JSON.stringify(lineTemplate({ service: 'shop', stage: 'prod', handler: 'lambda', http: 'api' })),
    )
    expect(run('cfn-lint', '--regions', region, '--template', path)).toBe('')
  })
})

const validator = `
import json, sys
from samtranslator.validator.validator import SamTemplateValidator
sys.stdout.write(SamTemplateValidator.validate(json.load(open(sys.argv[1]))) if len(sys.argv) > 1 else '')
`
describe.skipIf(!runs('python3', '-c', validator))(
  "the validator of AWS SAM's translator, which needs python3 and aws-sam-translator",
  () => {
    it.each(files)('accepts the template %s', (_, path) => {
      expect(run('python3', '-W', 'ignore', '-c', validator, path)).toBe('')
    })

    it('refuses an API without a stage', () => {
      const path = join(folder, 'wrong.json')
      writeFileSync(path, JSON.stringify({ Resources: { Api: { Type: 'AWS::Serverless::Api', Properties: {} } } }))
      expect(run('python3', '-W', 'ignore', '-c', validator, path)).not.toBe('')
    })
  },
)

describe.skipIf(!runs('terraform', 'version'))('terraform', () => {
  it('reads the resource in docs/guide/deploying.md, and would not format it in another way', () => {
    const document = readFileSync(join(repository, 'docs/guide/deploying.md'), 'utf8')
    const [, hcl = ''] = /```hcl\n([\s\S]*?)```/.exec(document) ?? []
    expect(hcl).toContain('aws_cloudformation_stack')
    writeFileSync(join(folder, 'main.tf'), hcl)
    expect(run('terraform', 'fmt', '-check', '-diff', join(folder, 'main.tf'))).toBe('')
  })
})
