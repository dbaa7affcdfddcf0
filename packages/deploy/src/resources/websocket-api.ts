import { createHash } from 'node:crypto'
import { attribute, ref, sub } from '../template/intrinsics.ts'
import { functionFor, lineName } from '../template/names.ts'
import type { Settings } from '../template/options.ts'
import type { Resource, Resources } from '../template/template.ts'

/** Routes by their logical id. All of them run `websocket` but `ping`, which the gateway answers. */
const routes = {
  Sconnect: '$connect',
  Sdisconnect: '$disconnect',
  Sdefault: '$default', // two-way: what the function returns is the answer, without a callback request
  subscription: 'subscription', // this and the next two are one-way: their answers are posts, in order
  subscriptionPeriodstop: 'subscription.stop',
  connectionParams: 'connectionParams',
} as const

const api = ref('WebsocketsApi')
const description = 'trunkline wire 1, ping 1'

/** The WebSocket API with its routes, its stage and the keepalive that runs no function. */
export function websocketApi(settings: Settings): Resources {
  const parts: Resources = {
    WebsocketWebsocketsIntegration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: api,
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: invocationUri(functionFor(settings, 'websocket').id),
      },
    },
    ...(settings.authorizer ? authorizer(functionFor(settings, 'authorizer').id) : {}),
    ...lambdaRoutes(settings),
    SdefaultWebsocketsRouteResponse: routeResponse('Sdefault'),
    ...ping(),
  }
  // explicit, so that the address answers again when a later template no longer disables it
  const endpoint = { DisableExecuteApiEndpoint: settings.domain?.disableDefaultEndpoint === true }
  const hash = createHash('sha256').update(JSON.stringify({ parts, endpoint })).digest('hex').slice(0, 12)
  // a stage gets new routes, and another state of its default endpoint, only by a new deployment
  const deployment = `WebsocketsDeployment${hash}`
  return {
    WebsocketsApi: {
      Type: 'AWS::ApiGatewayV2::Api',
      Properties: {
        Name: lineName(settings),
        Description: description,
        ProtocolType: 'WEBSOCKET',
        RouteSelectionExpression: '$request.body.method',
        ...endpoint,
      },
    },
    ...parts,
    WebsocketLambdaPermissionWebsockets: permission(functionFor(settings, 'websocket').id, '/*'),
    [deployment]: {
      Type: 'AWS::ApiGatewayV2::Deployment',
      DependsOn: Object.keys(parts).filter((id) => /Route(Response)?$/.test(id)),
      Properties: { ApiId: api, Description: description },
    },
    WebsocketsDeploymentStage: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: {
        ApiId: api,
        StageName: settings.stage,
        Description: description,
        DeploymentId: ref(deployment),
        DefaultRouteSettings: {
          DetailedMetricsEnabled: true,
          ThrottlingRateLimit: settings.throttle.rate,
          ThrottlingBurstLimit: settings.throttle.burst,
        },
      },
    },
  }
}

function lambdaRoutes({ authorizer: isAuthorized }: Settings): Resources {
  const authorization = (key: string) =>
    isAuthorized && key === '$connect'
      ? { AuthorizationType: 'CUSTOM', AuthorizerId: ref('AuthorizerWebsocketsAuthorizer') }
      : { AuthorizationType: 'NONE' }
  return Object.fromEntries(
    Object.entries(routes).map(([id, key]) => [
      `${id}WebsocketsRoute`,
      {
        Type: 'AWS::ApiGatewayV2::Route',
        Properties: {
          ApiId: api,
          RouteKey: key,
          ...authorization(key),
          Target: target('WebsocketWebsocketsIntegration'),
          ...(key === '$default' && { RouteResponseSelectionExpression: '$default' }),
        },
      },
    ]),
  )
}

/** The authorizer has no identity source, so it runs for every client, also for one that sends no token. */
function authorizer(id: string): Resources {
  return {
    AuthorizerWebsocketsAuthorizer: {
      Type: 'AWS::ApiGatewayV2::Authorizer',
      Properties: {
        ApiId: api,
        Name: 'authorizer',
        AuthorizerType: 'REQUEST',
        AuthorizerUri: invocationUri(id),
        IdentitySource: [],
      },
    },
    AuthorizerLambdaPermissionWebsockets: permission(id, '/authorizers/*'),
  }
}

/** The keepalive: the gateway itself answers `{"method":"ping"}`. Its route waits for the response of its integration. */
function ping(): Resources {
  return {
    PingIntegration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: api,
        IntegrationType: 'MOCK',
        PassthroughBehavior: 'WHEN_NO_MATCH',
        RequestTemplates: { $default: '{"statusCode": 200}' },
        TemplateSelectionExpression: '\\$default',
      },
    },
    PingIntegrationResponse: {
      Type: 'AWS::ApiGatewayV2::IntegrationResponse',
      Properties: {
        ApiId: api,
        IntegrationId: ref('PingIntegration'),
        IntegrationResponseKey: '$default',
        ResponseTemplates: { $default: '{"pong":true}' },
        TemplateSelectionExpression: '\\$default',
      },
    },
    pingWebsocketsRoute: {
      Type: 'AWS::ApiGatewayV2::Route',
      DependsOn: ['PingIntegrationResponse'],
      Properties: {
        ApiId: api,
        RouteKey: 'ping',
        AuthorizationType: 'NONE',
        Target: target('PingIntegration'),
        RouteResponseSelectionExpression: '$default',
      },
    },
    pingWebsocketsRouteResponse: routeResponse('ping'),
  }
}

function routeResponse(id: string): Resource {
  return {
    Type: 'AWS::ApiGatewayV2::RouteResponse',
    Properties: { ApiId: api, RouteId: ref(`${id}WebsocketsRoute`), RouteResponseKey: '$default' },
  }
}

/** Lets this API, and no other one, invoke a function. */
function permission(id: string, source: string): Resource {
  return {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: attribute(`${id}LambdaFunction`, 'Arn'),
      Principal: 'apigateway.amazonaws.com',
      SourceArn: sub(
        `arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${WebsocketsApi}${source}`,
      ),
    },
  }
}

function target(integration: string) {
  return sub(`integrations/\${${integration}}`)
}

function invocationUri(id: string) {
  const path = `lambda:path/2015-03-31/functions/\${${id}LambdaFunction.Arn}/invocations`
  return sub(`arn:\${AWS::Partition}:apigateway:\${AWS::Region}:${path}`)
}
