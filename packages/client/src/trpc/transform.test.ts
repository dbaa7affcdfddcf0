import { TRPCClientError } from '@trpc/client'
import { expect, test } from 'vitest'
import { toTrunklineError } from '../session/machine/trunkline-error.ts'
import { toClientError } from './client-error.ts'
import { toTransform } from './transform.ts'

/** Of superjson's form. */
const wrapping = {
  serialize: (json: unknown) => ({ json }),
  deserialize: (wire: unknown) => (wire as { readonly json?: unknown }).json,
}
const unknown = { transforms: () => undefined }
const there = { transforms: () => true }
const none = { transforms: () => false }
const shape = { message: 'no', code: -32_600, data: { code: 'BAD_REQUEST' } }

test('a transformer on one side only is named by the side that lacks it [TL-HELLO-6]', () => {
  expect(toTransform(undefined, there).mismatch()).toMatch(/^Only the router has a data transformer/)
  expect(toTransform(wrapping, none).mismatch()).toMatch(/^Only this client has a data transformer/)
  for (const known of [unknown, there]) expect(toTransform(wrapping, known).mismatch()).toBeUndefined()
  for (const known of [unknown, none]) expect(toTransform(undefined, known).mismatch()).toBeUndefined()
})

test('a transformer that changes nothing counts as none, as tRPC’s own default', () => {
  const same = { serialize: (value: unknown) => value, deserialize: (value: unknown) => value }
  for (const given of [same, { input: same, output: same }]) {
    expect(toTransform(given, none).mismatch()).toBeUndefined()
    expect(toTransform(given, there).mismatch()).toMatch(/^Only the router/)
  }
})

test('an error that cannot be read says why, whatever the other side makes of it', () => {
  const words = /^The transformer cannot read what the server sent: pass the same `transformer`/
  const read = (wire: unknown, transformer?: typeof wrapping) =>
    toClientError({ shape: wire }, toTransform(transformer, unknown))
  expect(read(wrapping.serialize(shape)).message).toMatch(words)
  expect(read(shape, wrapping).message).toMatch(words)
  for (const wire of [null, 7, 'text', [], {}]) expect(read(wire).message).toMatch(words)
  expect(read(shape)).toMatchObject({ message: 'no', data: { code: 'BAD_REQUEST' } })
  expect(read(wrapping.serialize(shape), wrapping)).toMatchObject({ message: 'no', data: { code: 'BAD_REQUEST' } })
})

test('an error that a transformer of one side alone has made says so, and keeps what the line said', () => {
  const line = toTrunklineError('TOO_LARGE', 'too large')
  const error = toClientError({ shape: wrapping.serialize(shape), line }, toTransform(undefined, there))
  expect(error).toBeInstanceOf(TRPCClientError)
  expect(error.message).toMatch(/^Only the router/)
  expect(error.meta).toEqual({ trunklineError: line })
})
