import { attribute, ref, sub } from '../template/intrinsics.ts'
import { functionFor, lineName } from '../template/names.ts'
import { doorsOf, type Settings } from '../template/options.ts'
import type { Resource, Resources } from '../template/template.ts'

/** Routes of the HTTP API by their logical id. The function answers preflights itself, by the origins of the line. */
const routes = {
  HttpApiPostRoute: 'POST /frames',
  HttpApiOptionsRoute: 'OPTIONS /frames',
  HttpApiReadRoute: 'ANY /read/{path}', // the function refuses what is not a read
}

/** The ways to `http`, an HTTP API and a function URL. The parameter HttpDoor names one of them, or none. */
export function httpDoors(settings: Settings): Resources {
  const doors = doorsOf(settings)
  return { ...(doors.includes('api') && httpApi(settings)), ...(doors.includes('url') && functionUrl(settings)) }
}

function httpApi(settings: Settings): Resources {
  const api = ref('HttpApi')
  const arn = attribute(`${functionFor(settings, 'http').id}LambdaFunction`, 'Arn')
  const resource = (Type: string, Properties: Resource['Properties']) => ({ Type, Condition: 'HasHttpApi', Properties })
  return {
    HttpApi: resource('AWS::ApiGatewayV2::Api', { Name: `${lineName(settings)}-http`, ProtocolType: 'HTTP' }),
    HttpApiIntegration: resource('AWS::ApiGatewayV2::Integration', {
      ApiId: api,
      IntegrationType: 'AWS_PROXY',
      IntegrationUri: arn,
      PayloadFormatVersion: '2.0',
      TimeoutInMillis: 30_000,
    }),
    ...Object.fromEntries(
      Object.entries(routes).map(([id, key]) => [
        id,
        resource('AWS::ApiGatewayV2::Route', {
          ApiId: api,
          RouteKey: key,
          Target: sub(`integrations/\${HttpApiIntegration}`),
        }),
      ]),
    ),
    HttpApiStage: resource('AWS::ApiGatewayV2::Stage', {
      ApiId: api,
      StageName: '$default',
      AutoDeploy: true,
      DefaultRouteSettings: {
        DetailedMetricsEnabled: true,
        ThrottlingRateLimit: settings.throttle.rate,
        ThrottlingBurstLimit: settings.throttle.burst,
      },
    }),
    HttpApiPermission: resource('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      FunctionName: arn,
      Principal: 'apigateway.amazonaws.com',
      SourceArn: sub(`arn:\${AWS::Partition}:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${HttpApi}/*`),
    }),
  }
}

/** A function URL needs two permissions; the second allows calls through the URL alone. */
function functionUrl(settings: Settings): Resources {
  const resource = (Type: string, Properties: Resource['Properties']) => ({ Type, Condition: 'HasHttpUrl', Properties })
  const arn = attribute(`${functionFor(settings, 'http').id}LambdaFunction`, 'Arn')
  return {
    HttpUrl: resource('AWS::Lambda::Url', {
      TargetFunctionArn: arn,
      AuthType: 'NONE',
      ...(settings.httpStream && { InvokeMode: 'RESPONSE_STREAM' }),
    }),
    HttpUrlPermission: resource('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunctionUrl',
      FunctionName: arn,
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    }),
    HttpUrlInvokePermission: resource('AWS::Lambda::Permission', {
      Action: 'lambda:InvokeFunction',
      FunctionName: arn,
      Principal: '*',
      InvokedViaFunctionUrl: true,
    }),
  }
}
