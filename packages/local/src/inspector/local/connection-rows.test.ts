import { describe, expect, test } from 'vitest'
import { ConnectionRows, toConnectionItem, toConnectionRow } from './connection-rows.ts'

const socket = {
  connectionId: 'abc=',
  connectedAt: 1,
  lastActiveAt: 2,
  state: 'open',
  domainName: 'localhost',
  stage: 'dev',
  apiId: 'local',
  identity: { sourceIp: '127.0.0.1' },
} as const
const parts = { id: 'abc=', subscriptions: [] }

describe('a connection', () => {
  test.each([
    ['of Trunkline’s client, with a principal', '{"principal":"ann","extensions":true}', ['ann', 'Trunkline']],
    ['of tRPC’s client, anonymous', '{"principal":null,"extensions":false}', [null, 'tRPC']],
    ['of tRPC’s client, where another authorizer wrote something else', '"text"', [null, 'tRPC']],
    ['of tRPC’s client, if that is not JSON', '{', [null, 'tRPC']],
  ])('is %s', (_, trunkline, [principal, client]) => {
    const row = toConnectionRow({ ...parts, socket: { ...socket, authorizer: { trunkline } } })
    expect(row).toMatchObject({ principal, client, via: 'socket', state: 'open', connectedAt: 1 })
  })

  test('shows claims and expiry of its row, and the public id in place of the secret session id', () => {
    const rows = new ConnectionRows()
    const image = {
      state: { S: 'OPEN' },
      via: { S: 'http' },
      session: { S: 'hush' },
      principal: { S: 'ann' },
      claims: { S: '{"role":"admin","token":"hush"}' },
      authExp: { N: '99' },
      openedAt: { N: '7' },
    }
    const change = (NewImage?: typeof image) => ({
      dynamodb: {
        Keys: { pk: { S: 'CONN#abc=' }, sk: { S: '#' } },
        ...(NewImage && { NewImage }),
        ApproximateCreationDateTime: 0,
        SequenceNumber: '1',
        SizeBytes: 1,
        StreamViewType: 'NEW_AND_OLD_IMAGES' as const,
      },
    })
    rows.read(change(image))
    expect(rows.overHttp()).toEqual(['abc='])
    const item = toConnectionItem({ ...parts, stored: rows.get('abc=') })
    expect(item).toMatchObject({ principal: 'ann', via: 'http', authExpires: 99, connectedAt: 7 })
    expect(item.claims).toEqual({ role: 'admin', token: '•••' })
    expect(item.session).toMatch(/^[\w-]{22}$/)
    expect(JSON.stringify(item)).not.toContain('hush')
    rows.read(change())
    expect(rows.overHttp()).toEqual([])
  })
})
