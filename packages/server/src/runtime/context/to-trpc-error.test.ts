import { TRPCError } from '@trpc/server'
import { expect, test } from 'vitest'
import { PartError } from '../../ports/lazy-part.ts'
import { StoreError } from '../../ports/store.ts'
import { toTRPCError } from './to-trpc-error.ts'

const missing = new PartError(new Error("Cannot find module '/var/task/chunk-A.mjs'"))

test.each([
  ['code that could not be read', missing],
  ['code that a resolver could not read', new TRPCError({ code: 'INTERNAL_SERVER_ERROR', cause: missing })],
  ['a table whose code could not be read', new StoreError('readSlots', false, { cause: missing })],
])('%s is an outage that names no file to a client', (_, thrown) => {
  expect(toTRPCError(thrown)).toMatchObject({
    line: 'FUNCTION_FAILED',
    message: 'The service is temporarily unavailable.',
  })
})
