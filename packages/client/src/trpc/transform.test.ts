import { TRPCClientError } from '@trpc/client'
import { expect, test } from 'vitest'
import { toTrunklineError } from '../session/machine/trunkline-error.ts'
import { toClientError, toTransform } from './transform.ts'

/** A transformer in the form of superjson. */
const wrapping = {
  serialize: (json: unknown) => ({ json }),
  deserialize: (wire: unknown) => (wire as { readonly json?: unknown }).json,
}
const unknown = { transforms: () => undefined }
const there = { transforms: () => true }
const none = { transforms: () => false }
const shape = { message: 'no', code: -32_600, data: { code: 'BAD_REQUEST' } }

test('the error for a transformer on one side only names that side [TL-HELLO-6]', () => {
  expect(toTransform(undefined, there).mismatch()).toMatch(/^Only the router has a data transformer/)
  expect(toTransform(wrapping, none).mismatch()).toMatch(/^Only this client has a data transformer/)
  for (const known of [unknown, there]) expect(toTransform(wrapping, known).mismatch()).toBeUndefined()
  for (const known of [unknown, none]) expect(toTransform(undefined, known).mismatch()).toBeUndefined()
})

test('a transformer that changes nothing counts as none, like tRPC’s default', () => {
  const same = { serialize: (value: unknown) => value, deserialize: (value: unknown) => value }
  for (const given of [same, { input: same, output: same }]) {
    expect(toTransform(given, none).mismatch()).toBeUndefined()
    expect(toTransform(given, there).mismatch()).toMatch(/^Only the router/)
  }
})

test('an error that cannot be deserialised says why, for any error shape', () => {
  const words = /^The transformer cannot read what the server sent: pass the same `transformer`/
  const read = (wire: unknown, transformer?: typeof wrapping) =>
    toClientError({ shape: wire }, toTransform(transformer, unknown))
  expect(read(wrapping.serialize(shape)).message).toMatch(words)
  expect(read(shape, wrapping).message).toMatch(words)
  for (const wire of [null, 7, 'text', [], {}]) expect(read(wire).message).toMatch(words)
  expect(read(shape)).toMatchObject({ message: 'no', data: { code: 'BAD_REQUEST' } })
  expect(read(wrapping.serialize(shape), wrapping)).toMatchObject({ message: 'no', data: { code: 'BAD_REQUEST' } })
})

test('an error shape from a one-sided transformer says so, and keeps Trunkline’s error', () => {
  const line = toTrunklineError('TOO_LARGE', 'too large')
  const error = toClientError({ shape: wrapping.serialize(shape), line }, toTransform(undefined, there))
  expect(error).toBeInstanceOf(TRPCClientError)
  expect(error.message).toMatch(/^Only the router/)
  expect(error.meta).toEqual({ trunklineError: line })
})
