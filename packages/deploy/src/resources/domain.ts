import { attribute, ref, type Value } from '../template/intrinsics.ts'
import type { LineDomain, Settings } from '../template/options.ts'
import type { Resources } from '../template/template.ts'

/** The zone of each CloudFront distribution, in every account. */
const zoneOfCloudFront = 'Z2FDTNDATAQYW2'

/** A domain for the stage of the WebSocket API. Its mapping has the stage, so addresses on the domain do not. */
export function webSocketDomain({ stage }: Settings, domain: LineDomain): Resources {
  return {
    DomainName: {
      Type: 'AWS::ApiGatewayV2::DomainName',
      Properties: {
        DomainName: domain.name,
        DomainNameConfigurations: [
          { CertificateArn: domain.certificateArn, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' },
        ],
      },
    },
    DomainMapping: {
      Type: 'AWS::ApiGatewayV2::ApiMapping',
      DependsOn: ['WebsocketsDeploymentStage'],
      Properties: {
        ApiId: ref('WebsocketsApi'),
        DomainName: ref('DomainName'),
        Stage: stage,
        ...(domain.path !== undefined && { ApiMappingKey: domain.path }),
      },
    },
    ...(domain.hostedZoneId !== undefined && {
      DomainRecord: record(domain.name, domain.hostedZoneId, 'A', {
        DNSName: attribute('DomainName', 'RegionalDomainName'),
        HostedZoneId: attribute('DomainName', 'RegionalHostedZoneId'),
      }),
    }),
  }
}

/** The records of the page's host. CloudFront has addresses of both families. */
export function siteRecords(name: string, hostedZoneId: Value): Resources {
  const target = { DNSName: attribute('SiteDistribution', 'DomainName'), HostedZoneId: zoneOfCloudFront }
  return {
    SiteRecord: record(name, hostedZoneId, 'A', target),
    SiteRecordIpv6: record(name, hostedZoneId, 'AAAA', target),
  }
}

function record(Name: string, HostedZoneId: Value, Type: 'A' | 'AAAA', AliasTarget: Value) {
  return { Type: 'AWS::Route53::RecordSet', Properties: { HostedZoneId, Name, Type, AliasTarget } }
}
