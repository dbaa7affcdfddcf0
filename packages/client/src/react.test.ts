import * as react from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'
import { createConnection } from './connection/create-connection.ts'
import { useConnection } from './react.ts'

test('a server renders a connection as idle, and opens none', () => {
  const connection = createConnection({ url: 'ws://127.0.0.1:1' })
  const Status = () => useConnection(connection).status
  expect(renderToString(react.createElement(Status))).toBe('idle')
  expect(connection.state).toEqual({ status: 'idle' })
})

vi.mock('react', async (original) => {
  const whole = await original<typeof react>()
  return { ...whole, useSyncExternalStore: vi.fn(whole.useSyncExternalStore) }
})

test('is read through useSyncExternalStore, whose snapshot is the same object until the state changes: nothing tears', () => {
  const connection = createConnection({ url: 'ws://127.0.0.1:1' })
  const Status = () => useConnection(connection).status
  renderToString(react.createElement(Status))
  const [subscribe, snapshot] = vi.mocked(react.useSyncExternalStore).mock.lastCall ?? []
  expect(subscribe).toBe(connection.subscribe)
  expect(snapshot?.()).toBe(connection.state)
  expect(snapshot?.()).toBe(snapshot?.())
})
