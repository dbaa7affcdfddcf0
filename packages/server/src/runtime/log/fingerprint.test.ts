import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import * as mini from 'zod/mini'
import type { EventSchema } from '../../define/topic.ts'
import { isComputedDefault } from './computed-default.ts'
import { fingerprintOf } from './fingerprint.ts'

interface Tree {
  readonly name: string
  readonly children: readonly Tree[]
}
const tree = (extra: object = {}): EventSchema => {
  const node: z.ZodType = z.object({
    name: z.string(),
    ...extra,
    get children() {
      return z.array(node)
    },
  })
  return node
}
const lazyTree = (): EventSchema => {
  const node: z.ZodType<Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(node) }))
  return node
}

describe('the fingerprint of a schema', () => {
  test.each<[string, () => EventSchema]>([
    ['an object', () => z.object({ a: z.string().min(1).max(9), b: z.number().int().optional() })],
    ['a union', () => z.discriminatedUnion('t', [z.object({ t: z.literal('a') }), z.object({ t: z.literal('b') })])],
    ['formats and patterns', () => z.tuple([z.uuid(), z.iso.datetime(), z.email(), z.string().regex(/^x/i)])],
    ['records and enums', () => z.record(z.enum(['a', 'b']), z.array(z.boolean().nullable()))],
    [
      'functions',
      () =>
        z
          .string()
          .refine((text) => text !== '')
          .transform((text) => text.length),
    ],
    ['defaults', () => z.object({ at: z.number().default(() => Date.now()), n: z.number().default(5).catch(1) })],
    ['a recursive object', tree],
    ['a recursive lazy', lazyTree],
    ['an intersection', () => z.intersection(z.object({ a: z.string() }), z.looseObject({ b: z.bigint() }))],
    ['anything', () => z.any()],
  ])('is the same for %s that is declared twice', (_, make) => {
    const fingerprint = fingerprintOf(make())
    expect(fingerprint).toMatch(/^[\w-]{16}$/)
    expect(fingerprintOf(make())).toBe(fingerprint)
  })
  test('does not change from one version of the code to the next', () => {
    const event = z.object({
      author: z.string(),
      text: z.string().max(4_000),
      at: z.number().default(() => Date.now()),
    })
    expect(fingerprintOf(event)).toBe('2jJa5vqkDlvM5Ut8')
  })
  test('does not depend on the order of members, on descriptions, or on what is shared', () => {
    const text = z.string().min(1)
    const one = z.object({ a: text, b: text })
    const other = z.object({ b: z.string().min(1).describe('a text'), a: z.string().min(1) })
    expect(fingerprintOf(other)).toBe(fingerprintOf(one))
    expect(fingerprintOf(mini.object({ a: mini.string() }))).toBe(fingerprintOf(z.object({ a: z.string() })))
  })
  test('differs when a declaration differs', () => {
    const schemas = [
      z.object({ a: z.string() }),
      z.object({ a: z.string().optional() }),
      z.object({ a: z.string().nullable() }),
      z.object({ a: z.string().min(1) }),
      z.object({ a: z.string().min(2) }),
      z.object({ a: z.string().max(2) }),
      z.object({ a: z.string().default('x') }),
      z.object({ a: z.string().refine(() => true) }),
      z.object({ a: z.string().transform((text) => text) }),
      z.object({ a: z.string().regex(/a/) }),
      z.object({ a: z.string().regex(/a/i) }),
      z.object({ a: z.email() }),
      z.object({ a: z.coerce.string() }),
      z.object({ a: z.literal('a') }),
      z.object({ a: z.literal('b') }),
      z.object({ a: z.enum(['a', 'b']) }),
      z.object({ a: z.number() }),
      z.object({ a: z.int() }),
      z.object({ a: z.array(z.string()) }),
      z.object({ a: z.tuple([z.string()]) }),
      z.object({ a: z.union([z.string(), z.number()]) }),
      z.object({ a: z.string(), b: z.string().optional() }),
      z.object({ b: z.string() }),
      z.strictObject({ a: z.string() }),
      z.looseObject({ a: z.string() }),
      tree(),
      tree({ a: z.string() }),
    ]
    expect(new Set(schemas.map(fingerprintOf)).size).toBe(schemas.length)
  })
  test('runs no default, and is absent when a schema cannot be described', () => {
    let runs = 0
    fingerprintOf(z.object({ n: z.number().default(() => ++runs) }))
    expect(runs).toBe(0)
    const failing = z.lazy((): z.ZodType => {
      throw new Error('not there yet')
    })
    expect(fingerprintOf(failing)).toBeUndefined()
  })
})

describe('a default', () => {
  const isComputed = (schema: EventSchema) => isComputedDefault(schema._zod.def)
  test.each<[string, EventSchema]>([
    ['a text', z.string().default('x')],
    ['null', z.null().default(null)],
    ['a list', z.array(z.string()).default([])],
    ['an object', z.object({ a: z.string() }).default({ a: 'x' })],
    ['a prefault', z.string().prefault('x')],
    ['one of zod/mini', mini._default(mini.string(), 'x')],
  ])('that is %s is a value', (_, schema) => {
    expect(isComputed(schema)).toBe(false)
  })
  test.each<[string, EventSchema]>([
    ['the time', z.number().default(() => Date.now())],
    ['the time in seconds', z.number().default(() => Math.floor(Date.now() / 1_000))],
    ['an id', z.string().default(() => crypto.randomUUID())],
    ['always the same', z.string().default(() => 'x')],
    ['a new list', z.array(z.string()).default(() => [])],
    ['bound', z.number().default(Date.now.bind(Date))],
    ['a prefault', z.string().prefault(() => 'x')],
    ['one of zod/mini', mini._default(mini.string(), () => 'x')],
  ])('that is a function is none: %s', (_, schema) => {
    expect(isComputed(schema)).toBe(true)
  })
  test('is recognised by its values when the engine cannot be asked', () => {
    const { getBuiltinModule } = process
    Object.defineProperty(process, 'getBuiltinModule', { value: undefined, configurable: true })
    try {
      expect(isComputed(z.string().default(() => crypto.randomUUID()))).toBe(true)
      expect(isComputed(z.number().default(() => performance.now()))).toBe(true)
      expect(
        isComputed(
          z.number().default(() => {
            throw new Error('no')
          }),
        ),
      ).toBe(true)
      expect(isComputed(z.string().default('x'))).toBe(false)
    } finally {
      Object.defineProperty(process, 'getBuiltinModule', { value: getBuiltinModule, configurable: true })
    }
  })
})
