import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { type LineTemplateOptions, lineTemplate, resolveParameters } from './index.ts'

const options = { service: 'shop', stage: 'prod', handler: 'lambda' }
const certificateArn = 'arn:aws:acm:us-east-1:1:certificate/1'
const create = (more: Partial<LineTemplateOptions>) => lineTemplate({ ...options, ...more })
const variables = (template: ReturnType<typeof create>, name: string) => {
  const environment = template.Resources['WebsocketLambdaFunction']?.Properties['Environment']
  return (environment as { readonly Variables: Readonly<Record<string, unknown>> }).Variables[name]
}
const ofGateway = (scheme: string) => ({
  'Fn::Sub': `${scheme}://\${WebsocketsApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/prod`,
})

describe('a domain of the WebSocket API', () => {
  const name = 'live.shop.example'

  it('is the address of the line, while functions post to the address of API Gateway, with the stage', () => {
    const template = create({ domain: { name, certificateArn } })
    expect(template.Outputs['WebSocketUrl']?.Value).toBe('wss://live.shop.example')
    expect(variables(template, 'TRUNKLINE_CALLBACK_URL')).toEqual(ofGateway('https'))
    expect(template.Resources['DomainMapping']?.Properties).toEqual({
      ...{ ApiId: { Ref: 'WebsocketsApi' }, DomainName: { Ref: 'DomainName' }, Stage: 'prod' },
    })
    expect(template.Resources).not.toHaveProperty('DomainRecord')
    expect(template.Outputs).toHaveProperty('DomainTarget')
  })

  it('is what functions post to, without the stage, when the address of API Gateway is disabled', () => {
    const template = create({ domain: { name, certificateArn, path: 'chat', disableDefaultEndpoint: true } })
    expect(template.Resources['WebsocketsApi']?.Properties).toMatchObject({ DisableExecuteApiEndpoint: true })
    expect(variables(template, 'TRUNKLINE_CALLBACK_URL')).toBe('https://live.shop.example/chat')
    expect(template.Outputs['WebSocketUrl']?.Value).toBe('wss://live.shop.example/chat')
    expect(template.Resources['DomainMapping']?.Properties).toMatchObject({ ApiMappingKey: 'chat' })
  })

  it('has a new deployment when the address of API Gateway is disabled, without which a stage keeps the address', () => {
    const deploymentOf = (more: Partial<LineTemplateOptions>) =>
      Object.keys(create(more).Resources).find((id) => id.startsWith('WebsocketsDeployment') && !id.endsWith('Stage'))
    const domain = { name, certificateArn }
    expect(deploymentOf({ domain })).toBe(deploymentOf({}))
    expect(deploymentOf({ domain: { ...domain, disableDefaultEndpoint: true } })).not.toBe(deploymentOf({ domain }))
    expect(create({}).Resources['WebsocketsApi']?.Properties).toMatchObject({ DisableExecuteApiEndpoint: false })
  })

  it('gets its record in a zone of Route 53', () => {
    const { Resources } = create({ domain: { name, certificateArn, hostedZoneId: 'Z1' } })
    expect(Resources['DomainRecord']?.Properties).toMatchObject({
      ...{ HostedZoneId: 'Z1', Name: name, Type: 'A' },
      AliasTarget: { DNSName: { 'Fn::GetAtt': ['DomainName', 'RegionalDomainName'] } },
    })
  })

  it('leaves the right to post as it is: an ARN names the API and the stage, whatever the address', () => {
    const role = (more: Partial<LineTemplateOptions>) => create(more).Resources['DeliverRole']
    expect(role({ domain: { name, certificateArn, disableDefaultEndpoint: true } })).toEqual(role({}))
  })
})

/** Runs the code of the CloudFront function as CloudFront would, with texts in place of references. */
function request(more: Partial<LineTemplateOptions>, uri: string) {
  const values = { CodeBucket: 'code', CodeKey: 'shop.zip' }
  const { Resources } = resolveParameters(create({ site: true, ...more }), values)
  const parts = Resources['SitePages']?.Properties['FunctionCode'] as {
    readonly 'Fn::Join': readonly [string, unknown[]]
  }
  const [separator, texts] = parts['Fn::Join']
  const code = texts.map((part) => (typeof part === 'string' ? part : 'wss://gateway.example/prod')).join(separator)
  const answer: unknown = runInNewContext(
    `${code}; JSON.stringify(handler({ request: { uri: ${JSON.stringify(uri)} } }))`,
  )
  return JSON.parse(String(answer))
}

describe('a page', () => {
  it('is read from a private bucket by its distribution alone, with headers that protect it', () => {
    const { Resources } = create({ site: { connectTo: ['https://id.example/realms/shop', ''] } })
    expect(Resources['SiteBucket']?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        ...{ BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
      },
    })
    expect(JSON.stringify(Resources['SiteBucketPolicy'])).toContain(`distribution/\${SiteDistribution}`)
    expect(JSON.stringify(Resources['SiteDistribution'])).toContain('"OriginAccessControlId"')
    const headers = JSON.stringify(Resources['SiteHeaders'])
    for (const part of ["default-src 'self'", "frame-ancestors 'none'", 'wss://', '"https://id.example"', '31536000'])
      expect(headers).toContain(part)
  })

  it('may connect to the line, besides the origins that are given', () => {
    expect(variables(create({ site: true }), 'TRUNKLINE_ORIGINS')).toEqual({
      'Fn::Join': [
        ',',
        [{ Ref: 'Origins' }, { 'Fn::Join': ['', ['https://', { 'Fn::GetAtt': ['SiteDistribution', 'DomainName'] }]] }],
      ],
    })
    const own = create({ site: { domain: { name: 'shop.example', certificateArn } } })
    expect(variables(own, 'TRUNKLINE_ORIGINS')).toEqual({
      'Fn::Join': [',', [{ Ref: 'Origins' }, 'https://shop.example']],
    })
    expect(own.Outputs['SiteUrl']?.Value).toBe('https://shop.example')
  })

  it('finds the address of the line in line.json, which no cache keeps', () => {
    const { headers, body, statusCode } = request({}, '/line.json')
    expect(JSON.parse(body.data)).toEqual({ url: 'wss://gateway.example/prod' })
    expect([statusCode, headers['cache-control'].value]).toEqual([200, 'no-store'])
  })

  it('finds the address of HTTP there too, where clients can reach it', () => {
    expect(JSON.parse(request({ http: 'api' }, '/line.json').body.data)).toHaveProperty('httpUrl')
    const domain = { name: 'shop.example', certificateArn }
    expect(JSON.parse(request({ http: 'url', site: { domain } }, '/line.json').body.data)).toHaveProperty('httpUrl')
  })

  it.each([
    ['/', '/index.html'],
    ['/rooms/blue', '/index.html'],
    ['/v1.2/rooms', '/index.html'],
    ['/assets/index-1a2b.js', '/assets/index-1a2b.js'],
    ['/index.html', '/index.html'],
  ])('of the path %s is the file %s', (path, file) => {
    expect(request({}, path)).toEqual({ uri: file })
  })
})

describe('the values of parameters', () => {
  const template = create({ http: true })
  const code = { CodeBucket: 'code', CodeKey: 'shop.zip' }

  it('decide what a template has, so that it needs no parameters and no conditions', () => {
    const resolved = resolveParameters(template, { ...code, HttpDoor: 'url', WorkerConcurrency: '5' })
    expect(resolved).not.toHaveProperty('Conditions')
    expect(Object.keys(resolved.Resources)).toEqual(expect.arrayContaining(['HttpUrl']))
    expect(Object.keys(resolved.Resources)).not.toContain('HttpApi')
    expect(Object.keys(resolved.Outputs)).not.toContain('HttpApiUrl')
    expect(resolved.Resources['WorkerLambdaFunction']?.Properties).toMatchObject({ ReservedConcurrentExecutions: '5' })
    expect(resolved.Resources['HttpLambdaFunction']?.Properties).not.toHaveProperty('ReservedConcurrentExecutions')
    expect(resolved.Resources['WorkerLambdaFunction']?.Properties['Code']).toEqual({
      S3Bucket: 'code',
      S3Key: 'shop.zip',
    })
  })

  it('that a template has not, and those that are missing, are named', () => {
    expect(() => resolveParameters(template, { ...code, Origin: 'x' })).toThrow(
      /Expected parameters of .*Origins.*; got Origin\./,
    )
    expect(() => resolveParameters(template, {})).toThrow('Expected values for the parameters CodeBucket, CodeKey')
  })
})
