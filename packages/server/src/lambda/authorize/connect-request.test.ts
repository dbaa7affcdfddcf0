import { expect, test } from 'vitest'
import type { ConnectRequest } from '../../define/identity.ts'
import { anonymous } from '../../define/identity.ts'
import { admit } from './admission.ts'

test.each([
  ['trunkline.1, session.0123456789abcdef, acme.v2,token.YW5u', ['trunkline.1', 'acme.v2']],
  ['acme.v1', ['acme.v1']],
  [' , ', []],
  [undefined, []],
])('authorize gets the offered subprotocols without the token and the session: %s', async (offered, subprotocols) => {
  const requests: ConnectRequest[] = []
  const options = {
    allowsOrigin: async () => true,
    authorize: (request: ConnectRequest): typeof anonymous => {
      requests.push(request)
      return anonymous
    },
  }
  const headers: Record<string, string> = offered === undefined ? {} : { 'Sec-WebSocket-Protocol': offered }
  const requestContext = { connectionId: 'c=', eventType: 'CONNECT', routeKey: '$connect', connectedAt: 0 } as const
  await admit(options, { headers, requestContext }, { measure: () => {}, log: () => {} })
  expect(requests.map((request) => request.subprotocols)).toEqual([subprotocols])
})
