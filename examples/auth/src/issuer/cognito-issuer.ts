import { startTokenServer } from './token-server.ts'

/** Access tokens and keys as Cognito makes them: the application is `client_id`, and there is no `aud`. */
export function startCognitoIssuer(userPoolId: string, now?: () => number) {
  return startTokenServer({
    path: `/${userPoolId}`,
    keysPath: '/.well-known/jwks.json',
    claims: ({ user, client, scope }) => ({
      ...{ sub: user, username: user, client_id: client, token_use: 'access', scope },
      'cognito:groups': ['members'],
    }),
    ...(now && { now }),
  })
}
