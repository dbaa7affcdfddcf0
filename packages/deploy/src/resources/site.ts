import { attribute, join, ref, sub, type Value } from '../template/intrinsics.ts'
import { lineName } from '../template/names.ts'
import type { LineSite, Settings } from '../template/options.ts'
import type { Resource, Resources } from '../template/template.ts'
import { httpUrl, webSocketOrigin, webSocketUrl } from './addresses.ts'
import { siteRecords } from './domain.ts'

/** CloudFront's own cache policy CachingOptimized, which keeps to the Cache-Control of the files. */
const cachePolicy = '658327ea-f89d-4fab-a63d-7e88639e58f6'

/**
 * Answers `/line.json` with the addresses of the line, and other paths without an extension with the page. It is the code
 * of a CloudFront function, which runs before the bucket is read.
 */
const pages = `
function handler(event) {
  var request = event.request;
  if (request.uri === '/line.json') {
    return {
      statusCode: 200,
      statusDescription: 'OK',
      headers: {
        'content-type': { value: 'application/json' },
        'cache-control': { value: 'no-store' },
        'x-content-type-options': { value: 'nosniff' }
      },
      body: { encoding: 'text', data: JSON.stringify(line.httpUrl === '' ? { url: line.url } : line) }
    };
  }
  if (request.uri.slice(request.uri.lastIndexOf('/')).indexOf('.') === -1) request.uri = '/index.html';
  return request;
}
`

/** A private bucket and a CloudFront distribution for a page. The page finds the line by `/line.json`. */
export function sitePage(settings: Settings, site: LineSite): Resources {
  return {
    SiteBucket: bucket(),
    SiteBucketPolicy: bucketPolicy(),
    SiteAccess: resource('AWS::CloudFront::OriginAccessControl', {
      OriginAccessControlConfig: {
        Name: globalName(settings),
        OriginAccessControlOriginType: 's3',
        SigningBehavior: 'always',
        SigningProtocol: 'sigv4',
      },
    }),
    SitePages: resource('AWS::CloudFront::Function', {
      Name: globalName(settings),
      AutoPublish: true,
      FunctionConfig: { Comment: 'The page of a line, and its addresses in line.json', Runtime: 'cloudfront-js-2.0' },
      FunctionCode: join('', [
        "var line = { url: '",
        webSocketUrl(settings),
        "', httpUrl: '",
        httpUrl(settings),
        "' };",
        pages,
      ]),
    }),
    SiteHeaders: headers(settings, site),
    SiteDistribution: distribution(settings, site),
    ...(site.domain?.hostedZoneId !== undefined && siteRecords(site.domain.name, site.domain.hostedZoneId)),
  }
}

function resource(Type: string, Properties: Resource['Properties']): Resource {
  return { Type, Properties }
}

/** Names of CloudFront have 64 characters and are those of the whole account, so the id of the stack is in them. */
function globalName(settings: Settings): Value {
  const stackId = { 'Fn::Select': [2, { 'Fn::Split': ['/', ref('AWS::StackId')] }] }
  return join('-', [lineName(settings).slice(0, 27), stackId])
}

/** It stays with its files when the stack is deleted, because CloudFormation deletes only empty buckets. */
function bucket(): Resource {
  return {
    Type: 'AWS::S3::Bucket',
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    },
  }
}

/** Only the distribution reads the bucket. With ListBucket, S3 answers 404 and not 403 for a file that does not exist. */
function bucketPolicy(): Resource {
  const all = [attribute('SiteBucket', 'Arn'), sub(`\${SiteBucket.Arn}/*`)]
  const distributionArn = sub(`arn:\${AWS::Partition}:cloudfront::\${AWS::AccountId}:distribution/\${SiteDistribution}`)
  return resource('AWS::S3::BucketPolicy', {
    Bucket: ref('SiteBucket'),
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'cloudfront.amazonaws.com' },
          Action: ['s3:GetObject', 's3:ListBucket'],
          Resource: all,
          Condition: { StringEquals: { 'AWS:SourceArn': distributionArn } },
        },
        {
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:*',
          Resource: all,
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
    },
  })
}

function headers(settings: Settings, site: LineSite): Resource {
  const always = { Override: true }
  return resource('AWS::CloudFront::ResponseHeadersPolicy', {
    ResponseHeadersPolicyConfig: {
      Name: globalName(settings),
      SecurityHeadersConfig: {
        ContentSecurityPolicy: {
          ...always,
          ContentSecurityPolicy: site.contentSecurityPolicy ?? contentSecurityPolicy(settings, site),
        },
        ContentTypeOptions: always,
        FrameOptions: { ...always, FrameOption: 'DENY' },
        ReferrerPolicy: { ...always, ReferrerPolicy: 'strict-origin-when-cross-origin' },
        StrictTransportSecurity: { ...always, AccessControlMaxAgeSec: 31_536_000 }, // a year
      },
    },
  })
}

/** The page runs its own scripts only, and connects to the line and to what the options name. */
function contentSecurityPolicy(settings: Settings, { connectTo = [] }: LineSite): Value {
  const rules = [
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ]
  return join(' ', [
    `${rules.join('; ')}; connect-src 'self'`,
    webSocketOrigin(settings),
    httpUrl(settings),
    ...connectTo,
  ])
}

function distribution(settings: Settings, { domain }: LineSite): Resource {
  return resource('AWS::CloudFront::Distribution', {
    DistributionConfig: {
      Comment: `The page of ${lineName(settings)}`,
      Enabled: true,
      DefaultRootObject: 'index.html',
      HttpVersion: 'http2and3',
      IPV6Enabled: true,
      Origins: [
        {
          Id: 'files',
          DomainName: attribute('SiteBucket', 'RegionalDomainName'),
          OriginAccessControlId: attribute('SiteAccess', 'Id'),
          S3OriginConfig: { OriginAccessIdentity: '' }, // needed, and empty where an access control is used
        },
      ],
      DefaultCacheBehavior: {
        TargetOriginId: 'files',
        ViewerProtocolPolicy: 'redirect-to-https',
        Compress: true,
        CachePolicyId: cachePolicy,
        ResponseHeadersPolicyId: ref('SiteHeaders'),
        FunctionAssociations: [{ EventType: 'viewer-request', FunctionARN: attribute('SitePages', 'FunctionARN') }],
      },
      ...(domain !== undefined && {
        Aliases: [domain.name],
        ViewerCertificate: {
          AcmCertificateArn: domain.certificateArn,
          SslSupportMethod: 'sni-only',
          MinimumProtocolVersion: 'TLSv1.2_2021',
        },
      }),
    },
  })
}
