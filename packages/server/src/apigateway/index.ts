/** The gateway on API Gateway's management API. */
export { type ApiGatewayOptions, createApiGateway } from './gateway.ts'
