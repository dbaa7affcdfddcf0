import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lineTemplate, resolveParameters } from '@trunkline/deploy'
import { App, Stack } from 'aws-cdk-lib'
import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include'
import { afterAll, expect, it, vi } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'trunkline-include-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string) => join(folder, name)

/** The CDK tries AWS's rules on each combination of conditions, which takes seconds. Other tests have these rules. */
vi.stubEnv('CDK_VALIDATION', 'false')

it('the template is included by CfnInclude, resource by resource', () => {
  const template = lineTemplate({ service: 'shop', stage: 'prod', handler: 'lambda', http: 'api', site: true })
  writeFileSync(file('shop.json'), JSON.stringify(template))
  writeFileSync(file('shop.zip'), 'the functions')
  const app = new App({ outdir: file('out') })
  const stack = new Stack(app, 'Shop')
  const asset = new Asset(stack, 'Code', { path: file('shop.zip') })
  new CfnInclude(stack, 'Line', {
    templateFile: file('shop.json'),
    parameters: { CodeBucket: asset.s3BucketName, CodeKey: asset.s3ObjectKey, Origins: 'https://shop.example' },
  })
  const included = app.synth().getStackByName('Shop').template
  const ids = (resources: object) => Object.keys(resources).sort()
  expect(ids(included.Resources)).toEqual(ids(template.Resources))
  const values = stack.resolve({ CodeBucket: asset.s3BucketName, CodeKey: asset.s3ObjectKey })
  // the conditions stay in the included template: both are compared after they are decided
  const [own, other] = [template, { ...included, Parameters: template.Parameters }].map(
    (each) => resolveParameters(each, { ...values, Origins: 'https://shop.example' }).Resources,
  )
  for (const [id, { Type, Properties }] of Object.entries(own ?? {}))
    expect([id, other?.[id]]).toEqual([id, expect.objectContaining({ Type, Properties })])
})
