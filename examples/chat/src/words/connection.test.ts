import { describe, expect, it } from 'vitest'
import { describeConnection } from './connection.ts'

const lost = { code: 'network', message: 'socket closed with 1006' } as const

describe('describeConnection', () => {
  it('says in how many seconds the client tries again, and why', () => {
    const words = describeConnection({ status: 'reconnecting', cause: lost, attempt: 2, retryAt: 12_400 }, 10_000)
    expect(words.trouble).toBe('Reconnecting in 3 s: the network was lost.')
    expect(words.canTryNow).toBe(true)
  })

  it('never counts below zero', () => {
    const words = describeConnection({ status: 'reconnecting', cause: lost, attempt: 2, retryAt: 9_000 }, 10_000)
    expect(words.trouble).toBe('Reconnecting now: the network was lost.')
  })

  it('repeats the reason of a refusal, with one full stop', () => {
    const words = describeConnection({ status: 'closed', cause: { code: 'refused', message: 'Names are short.' } }, 0)
    expect(words.trouble).toBe('Disconnected: Names are short.')
  })

  it('repeats the reason of a kick', () => {
    const words = describeConnection({ status: 'closed', cause: { code: 'kicked', message: 'No spam' } }, 0)
    expect(words.trouble).toBe('Disconnected: No spam.')
  })

  it('reports no trouble while the connection is open', () => {
    expect(describeConnection({ status: 'open', transport: 'socket' }, 0).trouble).toBeNull()
  })

  it('says that messages come later where sockets are blocked, and that nothing is wrong', () => {
    const words = describeConnection({ status: 'open', transport: 'http' }, 0)
    expect([words.short, words.trouble]).toEqual(['Slow connection', null])
    expect(words.note).toContain('messages arrive within 15 seconds')
    expect(describeConnection({ status: 'open', transport: 'socket' }, 0).note).toBeNull()
  })
})
