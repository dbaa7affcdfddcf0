import { StoreError } from '@trunkline/server/ports'
import { expect, test } from 'vitest'
import { isDenied } from './denied.ts'

const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException' })

test('a refusal of AWS is recognised, and one in the cause of an error of the store', () => {
  expect(isDenied(denied)).toBe(true)
  expect(isDenied(new StoreError('readConnection', false, { cause: denied }))).toBe(true)
})

test('another failure is no refusal', () => {
  expect(isDenied(new StoreError('readConnection', false, { cause: new Error('ECONNREFUSED') }))).toBe(false)
  expect(isDenied('AccessDenied')).toBe(false)
})
