import * as react from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test, vi } from 'vitest'
import { createConnection } from './connection/create-connection.ts'
import { useConnection } from './react.ts'

test('server rendering shows a connection as idle, and opens none', () => {
  const connection = createConnection({ url: 'ws://127.0.0.1:1' })
  const Status = () => useConnection(connection).status
  expect(renderToString(react.createElement(Status))).toBe('idle')
  expect(connection.state).toEqual({ status: 'idle' })
})

vi.mock('react', async (original) => {
  const whole = await original<typeof react>()
  return { ...whole, useSyncExternalStore: vi.fn(whole.useSyncExternalStore) }
})

test('useConnection uses useSyncExternalStore with a snapshot that is the same object until the state changes', () => {
  const connection = createConnection({ url: 'ws://127.0.0.1:1' })
  const Status = () => useConnection(connection).status
  renderToString(react.createElement(Status))
  const [subscribe, snapshot] = vi.mocked(react.useSyncExternalStore).mock.lastCall ?? []
  expect(subscribe).toBe(connection.subscribe)
  expect(snapshot?.()).toBe(connection.state)
  expect(snapshot?.()).toBe(snapshot?.())
})
