/** Checks JSON Web Tokens for `authorize`. Loads jose, which no other entry point but `tickets` does. */
export type { JwtAlgorithm } from './check-options.ts'
export { type CognitoAuthorizerOptions, cognitoAuthorizer } from './cognito-authorizer.ts'
export type { JwtAuthorizer, JwtClaims, TokenOptions } from './create-authorizer.ts'
export { type JwtAuthorizerOptions, jwtAuthorizer, type KeyOptions } from './jwt-authorizer.ts'
export { TokenUncheckedError } from './key-source.ts'
export type { VerifiedPayload } from './verify-token.ts'
