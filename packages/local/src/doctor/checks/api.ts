// One file over 200 lines: the checks of one WebSocket API share how it is found and described.

import { apiGateway, callbackApi, isNotFound, request } from '../context/aws.ts'
import {
  type Check,
  type CheckContext,
  type Finding,
  failed,
  MissingPermission,
  passed,
  skipped,
  warning,
  worstOf,
} from '../context/check.ts'
import { apiOf, describeFunction, isGuessed } from '../context/deployed-line.ts'
import { deployedName, expectedProperties, expectedRoutes } from '../context/expected-line.ts'
import { unknownConnection } from './delivery.ts'

const unknownApi = 'The WebSocket API is not known. Name the stage or the stack.'
const deployAgain = 'Deploy the stack again.'

const routes: Check = {
  id: 'routes',
  title: 'the WebSocket API has the routes of the template',
  calls: '`apigateway:GET` on the API, its routes, integrations and authorizers',
  cost: 'free',
  remedy: deployAgain,
  target: 'aws',
  async run(context) {
    const api = apiOf(context.target)
    if (api === undefined) return skipped(unknownApi)
    const { sdk, client } = await apiGateway(context)
    const ApiId = api.id
    const options = { abortSignal: context.signal }
    const [described, found, integrations, authorizers] = await request('apigateway:GET', () =>
      Promise.all([
        client.send(new sdk.GetApiCommand({ ApiId }), options),
        client.send(new sdk.GetRoutesCommand({ ApiId, MaxResults: '100' }), options),
        client.send(new sdk.GetIntegrationsCommand({ ApiId, MaxResults: '100' }), options),
        client.send(new sdk.GetAuthorizersCommand({ ApiId, MaxResults: '10' }), options),
      ]),
    )
    const types = new Map(
      (integrations.Items ?? []).map(({ IntegrationId, IntegrationType }) => [IntegrationId, IntegrationType]),
    )
    const findings = expectedRoutes(context.target).map(({ key, isTwoWay, isMock, isAuthorized }): Finding => {
      const route = found.Items?.find(({ RouteKey }) => RouteKey === key)
      if (route === undefined) return failed(`The route ${key} is missing.`, deployAgain)
      if (isTwoWay !== (route.RouteResponseSelectionExpression === '$default'))
        return failed(`The route ${key} is ${isTwoWay ? 'one-way' : 'two-way'}; expected the opposite.`, deployAgain)
      if (!isGuessed(context.target) && isAuthorized !== (route.AuthorizationType === 'CUSTOM'))
        return failed(`The route ${key} has the authorization ${route.AuthorizationType}.`, deployAgain)
      const type = types.get(route.Target?.replace('integrations/', ''))
      const expected = isMock ? 'MOCK' : 'AWS_PROXY'
      return type === expected
        ? passed(key)
        : failed(`The route ${key} has the integration ${type}, not ${expected}.`, deployAgain)
    })
    if (described.RouteSelectionExpression !== '$request.body.method')
      findings.push(
        failed(
          `Routes are selected by ${described.RouteSelectionExpression}, not by $request.body.method.`,
          deployAgain,
        ),
      )
    if (described.DisableExecuteApiEndpoint === true && /\.execute-api\./.test(context.target.webSocketUrl ?? ''))
      findings.push(
        failed(
          `The default endpoint of the API is disabled, and ${context.target.webSocketUrl} is that endpoint.`,
          'Give clients the address of the custom domain, and pass it to the doctor with --url.',
        ),
      )
    for (const { Name, IdentitySource = [] } of authorizers.Items ?? [])
      if (IdentitySource.length > 0)
        findings.push(
          failed(
            `The authorizer ${Name} has the identity source ${IdentitySource.join(', ')}, so that it does not run for callers without it.`,
            'Remove the identity source and deploy the API.',
          ),
        )
    const worst = worstOf(findings)
    return worst.status === 'passed' ? passed(`All ${findings.length} routes are as in the template.`) : worst
  },
}

const throttling: Check = {
  id: 'throttling',
  title: 'the stage accepts as many messages as the template',
  calls: '`apigateway:GET` on the stage',
  cost: 'free',
  remedy: 'Raise `throttle` of lineTemplate and deploy.',
  target: 'aws',
  async run(context) {
    const api = apiOf(context.target)
    if (api === undefined) return skipped(unknownApi)
    const { sdk, client } = await apiGateway(context)
    const command = new sdk.GetStageCommand({ ApiId: api.id, StageName: api.stage })
    const { DefaultRouteSettings, RouteSettings = {} } = await request('apigateway:GET', () =>
      client.send(command, { abortSignal: context.signal }),
    )
    const expected = expectedProperties(context.target, 'WebsocketsDeploymentStage')['DefaultRouteSettings'] as Limits
    const all = Object.entries({ 'all routes': DefaultRouteSettings ?? {}, ...RouteSettings })
    return worstOf(all.map(([name, limits]) => compareLimits(name, limits, expected)))
  },
}

interface Limits {
  readonly ThrottlingRateLimit?: number | undefined
  readonly ThrottlingBurstLimit?: number | undefined
}

function compareLimits(name: string, limits: Limits, expected: Limits): Finding {
  const { ThrottlingRateLimit: rate = 10_000, ThrottlingBurstLimit: burst = 5_000 } = limits // those of the account
  const words = `The stage accepts ${rate} messages a second of ${name}, and ${burst} at once.`
  if (rate <= 0 || burst <= 0) return failed(`${words} It refuses every message.`, throttling.remedy)
  const isLess = rate < (expected.ThrottlingRateLimit ?? 0) || burst < (expected.ThrottlingBurstLimit ?? 0)
  return isLess
    ? warning(
        `${words} The template has ${expected.ThrottlingRateLimit} and ${expected.ThrottlingBurstLimit}.`,
        throttling.remedy,
      )
    : passed(words)
}

const callback: Check = {
  id: 'callback',
  title: 'the functions reach the callback API at their address',
  calls: '`lambda:GetFunctionConfiguration`, `apigateway:GET`, and GET of a connection that does not exist',
  cost: 'one request to the callback API',
  remedy:
    'Set TRUNKLINE_CALLBACK_URL of the functions to `https://<api>.execute-api.<region>.amazonaws.com/<stage>`, or to the custom domain with its mapping and without the stage.',
  async run(context) {
    const url = await callbackAddress(context)
    if (url === undefined) return skipped('The callback address is not known. Name the stage or the stack.')
    const configured = context.target.kind === 'aws' ? await compareAddress(context, url) : undefined
    return configured?.status === 'failed' ? configured : describeUnknown(context, url)
  },
}

/** The address that the functions use; without the right to read it, that of the stack. */
async function callbackAddress(context: CheckContext): Promise<string | undefined> {
  const { callbackUrl, kind } = context.target
  const name = deployedName(context.target, 'websocket')
  if (kind === 'local' || name === undefined) return callbackUrl
  const { Environment } = await describeFunction(context, name)
  return Environment?.Variables?.['TRUNKLINE_CALLBACK_URL'] ?? callbackUrl
}

/** Compares the address with what the API allows: its default endpoint, or a custom domain. */
async function compareAddress(context: CheckContext, address: string): Promise<Finding> {
  const api = apiOf(context.target)
  if (api === undefined) return skipped(unknownApi)
  const { host, pathname } = new URL(address)
  const { sdk, client } = await apiGateway(context)
  const options = { abortSignal: context.signal }
  if (/\.execute-api\./.test(host)) {
    const { DisableExecuteApiEndpoint } = await request('apigateway:GET', () =>
      client.send(new sdk.GetApiCommand({ ApiId: api.id }), options),
    )
    if (DisableExecuteApiEndpoint === true)
      return failed(
        `The functions post to ${address}, and the default endpoint of the API is disabled.`,
        'Set TRUNKLINE_CALLBACK_URL to the custom domain: https://<domain>/<mapping>, without the stage.',
      )
    const expected = `/${api.stage}`
    return pathname.replace(/\/$/, '') === expected && host.startsWith(`${api.id}.`)
      ? passed('')
      : failed(
          `The functions post to ${address}, which is not the API ${api.id} with the stage ${api.stage}.`,
          callback.remedy,
        )
  }
  const mappings = await request('apigateway:GET', () =>
    client.send(new sdk.GetApiMappingsCommand({ DomainName: host }), options),
  ).catch((thrown: unknown) => {
    if (isNotFound(thrown)) return { Items: [] }
    throw thrown
  })
  const mapped = (mappings.Items ?? []).find(({ ApiId, Stage }) => ApiId === api.id && Stage === api.stage)
  if (mapped === undefined)
    return failed(
      `The functions post to ${address}, and ${host} has no mapping to the API ${api.id} and its stage ${api.stage}.`,
      callback.remedy,
    )
  const path = mapped.ApiMappingKey ? `/${mapped.ApiMappingKey}` : ''
  return pathname.replace(/\/$/, '') === path
    ? passed('')
    : failed(
        `The functions post to ${address}. With this custom domain the stage is no part of the address.`,
        `Set TRUNKLINE_CALLBACK_URL to https://${host}${path}.`,
      )
}

/** Asks for a connection that does not exist: only the right address answers 410. */
async function describeUnknown(context: CheckContext, address: string): Promise<Finding> {
  const { sdk, client } = await callbackApi(context, address)
  const command = new sdk.GetConnectionCommand({ ConnectionId: unknownConnection() })
  try {
    await client.send(command, { abortSignal: context.signal })
  } catch (thrown) {
    const { name, message, $metadata } = thrown as Error & { readonly $metadata?: { readonly httpStatusCode?: number } }
    const status = $metadata?.httpStatusCode
    if (status === 410) return passed(`${address} answered 410 for a connection that does not exist.`)
    if (status === 403 && /not authorized to perform/.test(message))
      throw new MissingPermission('execute-api:ManageConnections', thrown)
    const got = status === undefined ? `${name}: ${message}` : `${status} ${message}`
    return failed(`Expected 410 from ${address} for a connection that does not exist, got ${got}.`, callback.remedy)
  }
  return failed(`${address} describes a connection that does not exist.`, callback.remedy)
}

export const apiChecks: readonly Check[] = [routes, throttling, callback]
