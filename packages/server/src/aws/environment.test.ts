import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { environmentBackend } from './environment.ts'

const names = ['TABLE', 'CALLBACK_URL', 'DELIVER', 'WORKER', 'RESTORE']

describe('the backend of the environment', () => {
  beforeEach(() => {
    for (const name of names) vi.stubEnv(`LINE_${name}`, '')
  })
  afterEach(() => vi.unstubAllEnvs())

  it('needs a table, and names its variable and the alternatives', () => {
    expect(() => environmentBackend('LINE')).toThrow(
      'set LINE_TABLE to its name, or bind one with line.withBackend(awsBackend(',
    )
  })
  it('needs nothing else: without a gateway and an invoker, the stream delivers', () => {
    vi.stubEnv('LINE_TABLE', 'line')
    expect(environmentBackend('LINE')).toEqual({
      store: expect.objectContaining({ kind: 'dynamodb' }),
      erasure: expect.anything(),
      restore: 0,
    })
  })
  it('has everything that is named, the restore number included', () => {
    vi.stubEnv('LINE_TABLE', 'line')
    vi.stubEnv('LINE_CALLBACK_URL', 'https://a.execute-api.eu-west-1.amazonaws.com/dev')
    vi.stubEnv('LINE_DELIVER', 'line-deliver')
    vi.stubEnv('LINE_RESTORE', '3')
    expect(environmentBackend('LINE')).toMatchObject({
      gateway: { kind: 'apigateway' },
      invoker: { kind: 'lambda' },
      restore: 3,
    })
  })
  it.each([
    ['RESTORE', '-1', 'Expected LINE_RESTORE to be a whole number from 0, got "-1". Raise it'],
    ['RESTORE', 'two', 'Expected LINE_RESTORE to be a whole number from 0, got "two". Raise it'],
    ['CALLBACK_URL', 'wss://a.example/dev', 'Expected LINE_CALLBACK_URL to begin with https://'],
  ])('reports the error of %s=%s', (name, value, words) => {
    vi.stubEnv('LINE_TABLE', 'line')
    vi.stubEnv(`LINE_${name}`, value)
    expect(() => environmentBackend('LINE')).toThrow(words)
  })
})
