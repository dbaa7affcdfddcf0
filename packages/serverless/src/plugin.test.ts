import { bundleSettings, lineTemplate } from '@trunkline/deploy'
import { describe, expect, it } from 'vitest'
import TrunklinePlugin from './index.ts'
import type { CompiledTemplate, Serverless } from './serverless.ts'

const hook = 'after:aws:package:finalize:mergeCustomProviderResources'
const code = { S3Bucket: { Ref: 'ServerlessDeploymentBucket' }, S3Key: 'a.zip' }

/** A service whose functions osls has compiled. */
function createService(settings: unknown, own: CompiledTemplate['Resources'] = {}, esbuild?: unknown) {
  const functions: Record<string, object> = {}
  const service = {
    service: 'shop',
    custom: { trunkline: settings, ...(esbuild !== undefined && { esbuild }) } as Record<string, unknown>,
    functions,
    provider: {
      runtime: 'nodejs24.x',
      compiledCloudFormationTemplate: {
        Resources: {
          IamRoleLambdaExecution: { Type: 'AWS::IAM::Role' },
          WebsocketLogGroup: { Type: 'AWS::Logs::LogGroup' },
          WebsocketLambdaFunction: {
            Type: 'AWS::Lambda::Function',
            Properties: { Code: code, Handler: 'src/lambda.websocket', Role: { Ref: 'IamRoleLambdaExecution' } },
          },
          ...own,
        },
      } as CompiledTemplate,
    },
  }
  const serverless: Serverless = {
    service,
    extendConfiguration: ([section, name = ''], value) =>
      Object.assign(section === 'custom' ? service.custom : functions, { [name]: value }),
    getProvider: () => ({ getStage: () => 'prod' }),
  }
  return { serverless, service, functions }
}

/** The template of a service after the plugin. */
function compile(settings: unknown, own?: CompiledTemplate['Resources']): CompiledTemplate {
  const { serverless, service } = createService(settings, own)
  void new TrunklinePlugin(serverless).hooks[hook]?.()
  return service.provider.compiledCloudFormationTemplate
}

describe('the plugin', () => {
  it('declares the functions of the line, so that they are bundled', () => {
    const { serverless, functions } = createService({ handler: 'src/lambda', http: false })
    new TrunklinePlugin(serverless)
    expect(Object.keys(functions)).toEqual(['authorizer', 'websocket', 'tableStream', 'deliver', 'delayed', 'worker'])
    expect(functions['delayed']).toMatchObject({ handler: 'src/lambda.deliver', architecture: 'arm64' })
  })

  it('bundles for a short cold start: split, minified, with the modules of the AWS SDK', () => {
    const { serverless, service } = createService({ handler: 'src/lambda' })
    new TrunklinePlugin(serverless)
    expect(service.custom['esbuild']).toEqual({ ...bundleSettings, outputFileExtension: '.mjs', exclude: [] })
  })

  it('keeps the settings of the service for bundling, and those for CommonJS as they are', () => {
    const bundlingOf = (esbuild: unknown) => {
      const { serverless, service } = createService({ handler: 'src/lambda' }, {}, esbuild)
      new TrunklinePlugin(serverless)
      return service.custom['esbuild']
    }
    const own = { minify: false, target: 'node24', external: ['sharp'] }
    expect(bundlingOf(own)).toMatchObject({ ...own, splitting: true, exclude: [] })
    for (const other of [{ format: 'cjs' }, { bundle: false }, { config: 'esbuild.config.cjs' }, `\${file(a.yml)}`])
      expect(bundlingOf(other)).toEqual(other)
  })

  it('takes values of stacks and of SSM, which osls resolves after it has created its plugins', () => {
    const name = `\${ssm:/shop/host}`
    const domain = { name, certificateArn: `\${cf:certificates.Shop}` }
    const settings = { handler: 'src/lambda', memoryMb: `\${ssm:/shop/memory}`, http: false, domain }
    const { serverless, service, functions } = createService(settings)
    const { hooks } = new TrunklinePlugin(serverless)
    expect(Object.keys(functions)).not.toContain('http')
    const certificateArn = 'arn:aws:acm:eu-west-1:111122223333:certificate/1'
    service.custom = {
      trunkline: { ...settings, memoryMb: 256, domain: { name: 'live.shop.example', certificateArn } },
    }
    Object.assign(service.provider, { vpc: {} }) // as osls does then
    void hooks[hook]?.()
    const { Resources } = service.provider.compiledCloudFormationTemplate
    expect(Resources['DomainName']?.Properties).toMatchObject({ DomainName: 'live.shop.example' })
    expect(Resources['WebsocketLambdaFunction']?.Properties).toMatchObject({ MemorySize: 256 })
  })

  it('replaces what osls makes of them by the template of the line, with the code that osls uploads', () => {
    const { WebsocketLambdaFunction, ...resources } = compile({ handler: 'src/lambda' }).Resources
    const own = lineTemplate({ service: 'shop', stage: 'prod', handler: 'src/lambda' })
    expect(Object.keys(resources)).not.toContain('IamRoleLambdaExecution')
    expect(resources).toMatchObject({ Table: own.Resources['Table'], WebsocketRole: own.Resources['WebsocketRole'] })
    expect(WebsocketLambdaFunction?.Properties).toMatchObject({ Code: code, Timeout: 28 })
  })

  it('keeps the functions and the resources of the service', () => {
    const role = { 'Fn::GetAtt': ['IamRoleLambdaExecution', 'Arn'] }
    const own = {
      Orders: { Type: 'AWS::DynamoDB::Table' },
      ReportLambdaFunction: { Type: 'AWS::Lambda::Function', Properties: { Role: role } },
    }
    expect(compile({ handler: 'src/lambda' }, own).Resources).toMatchObject({ ...own, IamRoleLambdaExecution: {} })
  })

  it('leaves no version of the functions of the line, since code that is unchanged makes none', () => {
    const version = { Type: 'AWS::Lambda::Version' }
    const { Resources } = compile(
      { handler: 'src/lambda' },
      { WebsocketLambdaVersionabc: version, ReportLambdaVersionabc: version },
    )
    expect(Object.keys(Resources).filter((id) => id.includes('LambdaVersion'))).toEqual(['ReportLambdaVersionabc'])
  })

  it('keeps the output and the export by which osls names the address', () => {
    expect(compile({ handler: 'src/lambda' }).Outputs).toMatchObject({
      ServiceEndpointWebsocket: { Export: { Name: 'sls-shop-prod-ServiceEndpointWebsocket' } },
    })
  })

  it('refuses settings of the provider that would not reach the functions', () => {
    const { serverless, service } = createService({ handler: 'src/lambda' })
    Object.assign(service.provider, { environment: { STRIPE: 'live' } })
    expect(() => new TrunklinePlugin(serverless)).toThrow('Expected custom.trunkline.environment in place of provider.')
  })

  it('writes the number of a parameter as a text, and refuses other values', () => {
    expect(compile({ handler: 'src/lambda', parameters: { RestoreNumber: 1 } }).Parameters).toMatchObject({
      RestoreNumber: { Default: '1' },
    })
    expect(() => compile({ handler: 'src/lambda', parameters: { Origins: null } })).toThrow(
      'Expected custom.trunkline.parameters.Origins to be a text or a number, got null.',
    )
  })

  it('says what to do when the service has an HTTP API of its own', () => {
    const own = { HttpApi: { Type: 'AWS::ApiGatewayV2::Api' } }
    expect(() => compile({ handler: 'src/lambda' }, own)).toThrow('custom.trunkline.http to false')
    expect(compile({ handler: 'src/lambda', http: false }, own).Resources).toMatchObject(own)
  })

  it('sets the parameters that are given, and leaves those of the code to osls', () => {
    const { Parameters } = compile({ handler: 'src/lambda', parameters: { Origins: 'https://shop.example' } })
    expect(Parameters).toMatchObject({ Origins: { Default: 'https://shop.example' }, HttpDoor: { Default: '' } })
    expect(Object.keys(Parameters ?? {})).not.toContain('CodeBucket')
  })

  it.each([
    [undefined, 'Expected custom.trunkline.handler in serverless.yml'],
    [{}, 'Expected custom.trunkline.handler in serverless.yml'],
    [{ handler: 'src/lambda', memory: 1 }, '"memory"'],
    [{ handler: 'src/lambda', site: 'yes' }, 'site: '],
    [{ handler: 'src/lambda', site: null }, 'site: '],
  ])('says what is wrong with the settings %j', (settings, message) => {
    expect(() => new TrunklinePlugin(createService(settings).serverless)).toThrow(message)
  })

  it('refuses an unknown parameter, and a function or a resource that has the name of one of the line', () => {
    expect(() => compile({ handler: 'src/lambda', parameters: { Origin: 'x' } })).toThrow(/RestoreNumber.*got Origin\./)
    expect(() => compile({ handler: 'src/lambda' }, { Table: { Type: 'AWS::DynamoDB::Table' } })).toThrow('Table')
    const { serverless, functions } = createService({ handler: 'src/lambda' })
    Object.assign(functions, { worker: {} })
    expect(() => new TrunklinePlugin(serverless)).toThrow('Expected another name for the function worker')
  })
})
