import { describe, expect, test } from 'vitest'
import { toConnectionView } from './watch.ts'

const connection = {
  connectionId: 'abc=',
  connectedAt: 1,
  lastActiveAt: 2,
  state: 'open',
  domainName: 'localhost',
  stage: 'dev',
  apiId: 'local',
  identity: { sourceIp: '127.0.0.1' },
} as const

describe('a connection', () => {
  test.each([
    ['ours, of a principal', '{"principal":"ann","extensions":true}', { principal: 'ann', client: 'ours' }],
    ['stock, of nobody known', '{"principal":null,"extensions":false}', { principal: null, client: 'stock' }],
    ['stock, where another authorizer wrote something else', '"text"', { principal: null, client: 'stock' }],
    ['stock, if that is not JSON', '{', { principal: null, client: 'stock' }],
  ])('is %s', (_, trunkline, shown) => {
    expect(toConnectionView({ ...connection, authorizer: { trunkline } }, [])).toMatchObject(shown)
  })

  test('contains no other member of its authorizer’s context', () => {
    const authorizer = { trunkline: '{"principal":"ann","claims":"hush"}' }
    expect(JSON.stringify(toConnectionView({ ...connection, authorizer }, []))).not.toContain('hush')
  })
})
