import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'
import { createConnection } from './connection.ts'
import { useConnection } from './react.ts'

test('a server renders a connection as idle, and opens none', () => {
  const connection = createConnection({ url: 'ws://127.0.0.1:1' })
  const Status = () => useConnection(connection).status
  expect(renderToString(createElement(Status))).toBe('idle')
  expect(connection.state).toEqual({ status: 'idle' })
})
