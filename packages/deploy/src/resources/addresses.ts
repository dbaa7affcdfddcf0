import { attribute, join, sub, type Value, when } from '../template/intrinsics.ts'
import { doorsOf, type LineDomain, type LineSite, type Settings } from '../template/options.ts'

const gateway = `\${WebsocketsApi}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}`

/** The address of the line for clients: `url` of `createConnection`. */
export function webSocketUrl({ domain, stage }: Settings): Value {
  return domain === undefined ? sub(`wss://${gateway}/${stage}`) : `wss://${onDomain(domain)}`
}

/** The origin of that address. */
export function webSocketOrigin({ domain }: Settings): Value {
  return domain === undefined ? sub(`wss://${gateway}`) : `wss://${domain.name}`
}

/**
 * Where the functions post to connections. The address of API Gateway itself needs no DNS record, so the domain is used
 * only where that address is disabled. The mapping of the domain has the stage, so the address has none.
 */
export function callbackUrl({ domain, stage }: Settings): Value {
  return domain?.disableDefaultEndpoint === true ? `https://${onDomain(domain)}` : sub(`https://${gateway}/${stage}`)
}

/**
 * The address for `overHttp`, as the page knows it; an empty text where clients cannot reach http. A page without a
 * domain does not know a function URL: the URL waits for its function, and the function for the name of the page.
 */
export function httpUrl(settings: Settings): Value {
  const doors = doorsOf(settings)
  const isKnown = doors.includes('url') && settings.site?.domain !== undefined
  const url = isKnown ? when('HasHttpUrl', attribute('HttpUrl', 'FunctionUrl'), '') : ''
  return doors.includes('api') ? when('HasHttpApi', attribute('HttpApi', 'ApiEndpoint'), url) : url
}

/** The origin of the page. */
export function siteOrigin({ domain }: LineSite): Value {
  return domain === undefined
    ? join('', ['https://', attribute('SiteDistribution', 'DomainName')])
    : `https://${domain.name}`
}

function onDomain({ name, path }: LineDomain): string {
  return path === undefined ? name : `${name}/${path}`
}
