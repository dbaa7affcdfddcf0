import { describe, expect, expectTypeOf, test } from 'vitest'
import * as z from 'zod'
import { createLine } from '../line/create-line.ts'
import type { RequireJson } from './json.ts'

const key = z.object({ room: z.string() })
const line = createLine()

interface Message {
  readonly text: string
  readonly tags?: readonly string[]
  readonly author: { readonly name: string | null }
}

interface Tree {
  readonly text: string
  readonly children: readonly Tree[]
}
interface Dated {
  readonly at: Date
  readonly children: readonly Dated[]
}
interface Outer {
  readonly text: string
  /** Fits `Outer`, and has more: it must be looked at all the same. */
  readonly inner?: Outer & { readonly at: Date }
}
/** As libraries declare it. */
type JsonValue = null | string | number | boolean | { [name: string]: JsonValue | undefined } | readonly JsonValue[]
type Nested = readonly (Nested | Date)[]
const tree = z.object({
  text: z.string(),
  get children() {
    return z.array(tree)
  },
})

describe('an event’s type', () => {
  test('may be recursive, and is checked at every level', () => {
    expectTypeOf<RequireJson<Tree>>().toBeUnknown()
    expectTypeOf<RequireJson<Dated>>().not.toBeUnknown()
    expectTypeOf<RequireJson<Outer>>().not.toBeUnknown()
    expectTypeOf<RequireJson<JsonValue>>().toBeUnknown()
    expectTypeOf<RequireJson<{ readonly metadata?: Record<string, JsonValue> }>>().toBeUnknown()
    expectTypeOf<RequireJson<Nested>>().not.toBeUnknown()
    line.channel('tree', { key, event: tree })
  })
  test('may be anything that survives JSON: interfaces, optional members, unions, tuples', () => {
    expectTypeOf<RequireJson<Message>>().toBeUnknown()
    expectTypeOf<RequireJson<string | number | null>>().toBeUnknown()
    expectTypeOf<RequireJson<readonly [number, { a: boolean }]>>().toBeUnknown()
    expectTypeOf<RequireJson<Record<string, number>>>().toBeUnknown()
    // biome-ignore lint/suspicious/noExplicitAny: `any` says nothing, so nothing is refused
    expectTypeOf<RequireJson<any>>().toBeUnknown()
    expectTypeOf<RequireJson<{ readonly output: unknown }>>().toBeUnknown() // nor does `unknown`
  })
  test('may not contain what JSON loses or changes, at any depth', () => {
    expectTypeOf<RequireJson<Date>>().not.toBeUnknown()
    expectTypeOf<RequireJson<{ a: { b: Date }[] }>>().not.toBeUnknown()
    expectTypeOf<RequireJson<{ a?: bigint }>>().not.toBeUnknown()
    expectTypeOf<RequireJson<Map<string, number>>>().not.toBeUnknown()
    expectTypeOf<RequireJson<Set<string>>>().not.toBeUnknown()
    expectTypeOf<RequireJson<Uint8Array>>().not.toBeUnknown()
    expectTypeOf<RequireJson<() => void>>().not.toBeUnknown()
    expectTypeOf<RequireJson<{ at: Date } | { text: string }>>().not.toBeUnknown()
  })
  test('is checked where a channel is declared', () => {
    line.channel('good', { key, event: z.object({ at: z.iso.datetime(), n: z.number().optional() }) })
    // @ts-expect-error a Date comes back as a string
    line.channel('date', { key, event: z.object({ at: z.date() }) })
    // @ts-expect-error a bigint cannot be serialised
    line.channel('big', { key, event: z.object({ n: z.bigint() }) })
    // @ts-expect-error a Map becomes {}
    line.ephemeral('map', { key, event: z.map(z.string(), z.number()) })
    const deep = z.object({ a: z.object({ b: z.string() }) })
    // @ts-expect-error a key is flat: strings and numbers
    const nested = () => line.channel('nested', { key: deep, event: z.string() })
    expect(nested).toThrow('Expected a in key of channel nested to be a text or a number, got a schema of object.')
    // @ts-expect-error a key holds no booleans
    const flag = () => line.channel('flag', { key: z.object({ a: z.boolean() }), event: z.string() })
    expect(flag).toThrow('got a schema of boolean.')
  })
  test('and its key’s are checked where it is published', () => {
    const channel = line.channel('typed', { key, event: z.object({ text: z.string() }) })
    const misuse = () => [
      // @ts-expect-error no such room
      channel.publish({ place: 'x' }, { text: 'a' }),
      // @ts-expect-error no text
      channel.publish({ room: 'x' }, { words: 'a' }),
      // @ts-expect-error an ephemeral channel resumes from nothing
      line.ephemeral('t', { key, event: z.string() }).subscribe({ room: 'x' }, { replay: 5 }),
    ]
    expectTypeOf(misuse).toBeFunction()
  })
})
