import { startTokenServer } from './token-server.ts'

/** An issuer of OpenID Connect: the application is `aud`. */
export function startOidcIssuer(now?: () => number) {
  return startTokenServer({
    keysPath: '/jwks.json',
    claims: ({ user, client, scope }) => ({ sub: user, aud: client, scope }),
    ...(now && { now }),
  })
}
