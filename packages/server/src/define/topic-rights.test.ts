import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { createLine } from '../line/create-line.ts'

const schemas = { key: z.object({ room: z.string() }), event: z.object({ text: z.string() }) }
const authorize = () => true as const

describe('the rights of a channel', () => {
  test.each([
    [{ recheck: 'delivery' }, 'Expected channel a to have authorize with recheck, got recheck alone. Add authorize'],
    [{ authorize: true }, 'Expected authorize of channel a to be a function, got boolean. Pass a function'],
    [{ authorize: null }, 'Expected authorize of channel a to be a function, got object.'],
    [{ authorize, recheck: 'always' }, `Expected recheck of channel a to be 'delivery', got "always". Use 'delivery'`],
    [{ authorize, recheck: true }, `Expected recheck of channel a to be 'delivery', got true.`],
  ])('%j are refused where the channel is declared', (options, message) => {
    const { key, event } = schemas
    for (const kind of ['channel', 'ephemeral', 'presence'] as const) {
      const given = { key, ...(kind === 'presence' ? { data: event } : { event }), ...options } as never
      expect(() => createLine()[kind]('a', given)).toThrow(message)
    }
  })
  test('may be left out, and a channel that was refused may be declared again', () => {
    const line = createLine()
    expect(() => line.channel('a', { ...schemas, recheck: 'delivery' })).toThrow(TypeError)
    line.channel('a', { ...schemas, authorize, recheck: 'delivery' })
    line.channel('b', schemas)
  })
})
